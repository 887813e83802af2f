import { defaultRealm } from '@sallyport/contract';
import type { EffectData, Effects } from '@sallyport/storage/contracts/effects';
import type { EventFilter, Outbox, StoredEvent } from '@sallyport/storage/contracts/outbox';
import type { ActContext } from '@sallyport/storage/contracts/store';

const pageSize = 500;

/** At most `limit`, oldest first, a page at a time, from behind the position `from` on. */
export async function* listEvents(
  outbox: Pick<Outbox, 'listEvents'>,
  filter: EventFilter,
  limit: number,
  from = 0,
): AsyncGenerator<StoredEvent> {
  let after = from;
  for (let left = limit; left > 0; left -= pageSize) {
    const size = Math.min(left, pageSize);
    const page = await outbox.listEvents({ ...filter, after, limit: size });
    yield* page;
    if (page.length < size) return;
    after = page.at(-1)?.position ?? after;
  }
}

export type WhichEvents = { readonly ids: readonly string[] } | { readonly filter: EventFilter };

export interface ReplayParts {
  readonly outbox: Pick<Outbox, 'listEvents' | 'replayEvents'>;
  readonly effects: Pick<Effects, 'appendEffects'>;
  readonly context: ActContext;
}

/** Leaves a record of who has asked for it, and of how many there were. */
export const replayEvents = async ({ outbox, effects, context }: ReplayParts, which: WhichEvents): Promise<number> => {
  const replayed = 'ids' in which ? await outbox.replayEvents(which.ids) : await replayFitting(outbox, which.filter);
  const data = { replayed, ...('filter' in which && filterData(which.filter)) };
  await effects.appendEffects([{ act: 'events.replayed', realmId: defaultRealm, data, context }]);
  return replayed;
};

const filterData = ({ type, state, sinceMs, untilMs }: EventFilter): EffectData => ({
  ...(type !== undefined && { type }),
  ...(state !== undefined && { state }),
  ...(sinceMs !== undefined && { since: new Date(sinceMs).toISOString() }),
  ...(untilMs !== undefined && { until: new Date(untilMs).toISOString() }),
});

/** By their places, so that what a relay has sent again meanwhile is not begun anew. */
const replayFitting = async (outbox: ReplayParts['outbox'], filter: EventFilter): Promise<number> => {
  let replayed = 0;
  for (let after = 0; ; ) {
    const page = await outbox.listEvents({ ...filter, after, limit: pageSize });
    if (page.length > 0) replayed += await outbox.replayEvents(page.map(({ effectId }) => effectId));
    if (page.length < pageSize) return replayed;
    after = page.at(-1)?.position ?? after;
  }
};
