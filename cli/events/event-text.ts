import { eventView } from '@sallyport/auth/maintenance';
import type { StoredEvent } from '@sallyport/storage/contracts/outbox';

/** One line; the data, which may name a person, only in JSON. */
export const eventText = (event: StoredEvent, json: boolean): string => {
  if (json) return `${JSON.stringify(eventView(event))}\n`;
  const { effectId: id, type, key: user, atMs, state, tries, reason = '' } = event;
  const time = new Date(atMs).toISOString();
  return `${[time, id, type, user, state, ...(tries > 0 ? [`${tries} tries`, reason] : [])].join('\t')}\n`;
};
