/** The admin API's doors to the outbox. They translate, nothing else. */
import { Problem } from '@sallyport/contract';
import type { EventFilter, EventState, StoredEvent } from '@sallyport/storage/contracts/outbox';
import type { AdminHandler } from '../route.ts';
import { limitOf } from './page.ts';
import { eventView } from './views.ts';

export const createEventsHttp = (): Readonly<Record<'adminListEvents' | 'adminReplayEvents', AdminHandler>> => ({
  adminListEvents: async ({ operations, query }) => {
    const limit = limitOf(query);
    const { after, ...filter } = query;
    const events: StoredEvent[] = [];
    for await (const event of operations.listEvents(filterOf(filter, 'query_invalid'), limit, Number(after ?? 0)))
      events.push(event);
    const next = events.length < limit ? undefined : events.at(-1)?.position;
    return { status: 200, body: { events: events.map(eventView), ...(next !== undefined && { next: String(next) }) } };
  },
  adminReplayEvents: async ({ operations, body }) => {
    const { ids, filter } = body as { readonly ids?: readonly string[]; readonly filter?: GivenEvents };
    // Everything by mistake would be one empty object away.
    const isFilter = filter !== undefined && Object.keys(filter).length > 0;
    if ((ids === undefined) === !isFilter) throw new Problem('body_invalid');
    const which = ids === undefined ? { filter: filterOf(filter ?? {}, 'field_invalid') } : { ids };
    return { status: 200, body: { replayed: await operations.replayEvents(which) } };
  },
});

type GivenEvents = Readonly<Partial<Record<string, string>>>;

/** The schema has seen to their forms; a day that no month has passes there. */
const filterOf = (given: GivenEvents, code: 'query_invalid' | 'field_invalid'): EventFilter => {
  const { type, user, since, until, state } = given;
  const time = (name: 'since' | 'until', text: string): number => {
    const ms = Date.parse(text);
    if (Number.isNaN(ms)) throw new Problem(code, { extensions: { parameter: name } });
    return ms;
  };
  return {
    ...(type !== undefined && { type }),
    ...(user !== undefined && { key: user }),
    ...(since !== undefined && { sinceMs: time('since', since) }),
    ...(until !== undefined && { untilMs: time('until', until) }),
    ...(state !== undefined && { state: state as EventState }),
  };
};
