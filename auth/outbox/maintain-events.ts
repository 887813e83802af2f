import type { EventFilter, Outbox, StoredEvent } from '@sallyport/storage/contracts/outbox';

const pageSize = 500;

/** At most `limit`, oldest first, a page at a time. */
export async function* listEvents(
  outbox: Pick<Outbox, 'listEvents'>,
  filter: EventFilter,
  limit: number,
): AsyncGenerator<StoredEvent> {
  let after = 0;
  for (let left = limit; left > 0; left -= pageSize) {
    const size = Math.min(left, pageSize);
    const page = await outbox.listEvents({ ...filter, after, limit: size });
    yield* page;
    if (page.length < size) return;
    after = page.at(-1)?.position ?? after;
  }
}

/** By their places, so that what a relay has sent again meanwhile is not begun anew. */
export const replayEvents = async (
  outbox: Pick<Outbox, 'listEvents' | 'replayEvents'>,
  what: { readonly ids: readonly string[] } | { readonly filter: EventFilter },
): Promise<number> => {
  if ('ids' in what) return outbox.replayEvents(what.ids);
  let replayed = 0;
  for (let after = 0; ; ) {
    const page = await outbox.listEvents({ ...what.filter, after, limit: pageSize });
    if (page.length > 0) replayed += await outbox.replayEvents(page.map(({ effectId }) => effectId));
    if (page.length < pageSize) return replayed;
    after = page.at(-1)?.position ?? after;
  }
};
