/** Effect ids begin with their time (RFC 9562 §5.7), so that a time bounds what has to be looked at. */

/** Ids are given by the clock of a store, and records may tell the time of another one. */
const clocksApartMs = 3_600_000;

/** No record of this time or later has a smaller id. */
export const firstIdAround = (ms: number): string => {
  const time = Math.max(0, Math.trunc(ms) - clocksApartMs)
    .toString(16)
    .padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-0000-0000-000000000000`;
};
