import type { EventView } from '@sallyport/auth/maintenance';

/** One line; the data, which may name a person, only in JSON. */
export const eventText = (event: EventView, json: boolean): string => {
  if (json) return `${JSON.stringify(event)}\n`;
  const { id, type, user, time, state, tries, reason = '' } = event;
  return `${[time, id, type, user, state, ...(tries > 0 ? [`${tries} tries`, reason] : [])].join('\t')}\n`;
};
