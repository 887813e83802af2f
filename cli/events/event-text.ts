import type { StoredEvent } from '@sallyport/storage/contracts/outbox';

/** One line; the data, which may name a person, only in JSON. */
export const eventText = (event: StoredEvent, json: boolean): string => {
  const { effectId: id, type, version, key: user, atMs, state, tries, reason, publishedAtMs, data } = event;
  const time = new Date(atMs).toISOString();
  if (!json)
    return `${[time, id, type, user, state, ...(tries > 0 ? [`${tries} tries`, reason ?? ''] : [])].join('\t')}\n`;
  const published = publishedAtMs === undefined ? {} : { published_at: new Date(publishedAtMs).toISOString() };
  const told = reason === undefined ? {} : { reason };
  return `${JSON.stringify({ id, type, version, user, time, state, tries, ...told, ...published, data: JSON.parse(data) as unknown })}\n`;
};
