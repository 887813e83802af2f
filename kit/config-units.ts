/** Milliseconds of each unit that a duration's name may end in. */
export const durationUnits = {
  milliseconds: 1,
  seconds: 1000,
  minutes: 60_000,
  hours: 3_600_000,
  days: 86_400_000,
} as const;

export type DurationUnit = keyof typeof durationUnits;
