import { defaultRealm, type EpochMs } from '@sallyport/contract';
import { describe, expect, it } from 'vitest';
import type { Lease, OutboxEvent, Settlement } from '../contracts/outbox.ts';
import { newId, times } from './make.ts';
import type { Conformance } from './store-under-test.ts';

const leaseMs = 10_000;

export const outboxConformance: Conformance = (store) => {
  const own = (index = 0) => (index % 2 ? store().second : store().storage).outbox;
  /** A key of its own in a partition that is asked for. */
  const keyIn = (partition: number): string => `${newId<string>().slice(0, -1)}${partition.toString(16)}`;
  const eventOf = (key: string, fields: Partial<OutboxEvent> = {}): OutboxEvent => ({
    effectId: newId(),
    realmId: defaultRealm,
    type: 'USER_UPDATED',
    version: 1,
    key,
    data: '{"a":1}',
    atMs: Date.now() as EpochMs,
    ...fields,
  });
  const append = async (...events: readonly OutboxEvent[]) => {
    await own().appendEvents(events);
    return events.map(({ effectId }) => effectId);
  };
  const claim = async (partition: number, holder: string, index = 0): Promise<Lease | undefined> =>
    (await own(index).claimPartitions({ holder, partitions: [partition], leaseMs }))[0];
  const pendingOf = async (key: string, partition: number) =>
    (await own(1).readPending({ partitions: [partition], limitEach: 10_000 }))
      .filter((event) => event.key === key)
      .map(({ effectId }) => effectId);
  const settle = (lease: Lease, holder: string, what: Partial<Settlement>, index = 0) =>
    own(index).settleEvents({ lease, holder, published: [], retries: [], dead: [], release: false, ...what });
  const held = async (partition: number, holder: string): Promise<Lease> => {
    const lease = await claim(partition, holder);
    if (lease === undefined) throw new Error('the partition is held by somebody else');
    return lease;
  };

  describe('outbox', () => {
    it('keeps what was appended until it is published, once, in the order of appending', async () => {
      const [key, holder] = [keyIn(0), newId<string>()];
      const woken = new Promise<void>((resolve) => void own().onAppend(resolve));
      const ids = await append(eventOf(key), eventOf(key), eventOf(key));
      await woken;
      expect(await pendingOf(key, 0)).toEqual(ids);
      const lease = await held(0, holder);
      const before = await own().countEvents();
      expect(await settle(lease, holder, { published: ids.slice(0, 2) })).toBe(true);
      expect(await pendingOf(key, 0)).toEqual(ids.slice(2));
      expect((await own(1).countEvents()).pending).toBe(before.pending - 2);
      const listed = await own(1).listEvents({ key, limit: 10 });
      expect(listed.map(({ effectId, state }) => [effectId, state])).toEqual([
        [ids[0], 'published'],
        [ids[1], 'published'],
        [ids[2], 'pending'],
      ]);
      expect(listed[0]?.publishedAtMs).toEqual(expect.any(Number));
      await settle(lease, holder, { release: true });
    });

    it('has one holder of a partition at a time, whoever asks at once', async () => {
      const holders = Array.from({ length: 12 }, () => newId<string>());
      const won = await Promise.all(holders.map((holder, index) => claim(1, holder, index)));
      expect(won.filter((lease) => lease !== undefined)).toHaveLength(1);
      const winner = holders[won.findIndex((lease) => lease !== undefined)] ?? '';
      const lease = won.find((each) => each !== undefined);
      // Renewed: the same fence.
      expect(await claim(1, winner, 1)).toEqual(lease);
      const state = (await own(1).readPartitions()).find(({ partition }) => partition === 1);
      expect(state).toMatchObject({ holder: winner, heldForMs: expect.any(Number) });
      await own().settleEvents({
        ...{ holder: winner, published: [], retries: [], dead: [], release: true },
        lease: lease ?? { partition: 1, fence: 0 },
      });
      expect(await claim(1, newId(), 1)).toMatchObject({ fence: (lease?.fence ?? 0) + 1 });
      store().advance(leaseMs);
    });

    it('listens to nobody who has lost his lease, not even when he has it again', async () => {
      const [key, first, second] = [keyIn(2), newId<string>(), newId<string>()];
      const [id = ''] = await append(eventOf(key));
      const lost = await held(2, first);
      expect(await claim(2, second, 1)).toBeUndefined();
      store().advance(leaseMs);
      const taken = await claim(2, second, 1);
      expect(taken?.fence).toBe(lost.fence + 1);
      expect(await settle(lost, first, { published: [id] })).toBe(false);
      expect(await settle(lost, first, { release: true })).toBe(false);
      store().advance(leaseMs);
      await held(2, first);
      expect(await settle(lost, first, { dead: [{ effectId: id, reason: 'late' }] })).toBe(false);
      expect(await pendingOf(key, 2)).toEqual([id]);
      store().advance(leaseMs);
      // Run out, and nobody has taken it: it was the last to hold it, and still is.
      const kept = await held(2, second);
      store().advance(leaseMs);
      expect(await settle(kept, second, { published: [id], release: true })).toBe(true);
    });

    it('passes over no event that comes late: older than all that has been published', async () => {
      const [key, holder] = [keyIn(3), newId<string>()];
      const hourAgo = (Date.now() - 3_600_000) as EpochMs;
      const late = eventOf(key, { atMs: hourAgo, effectId: `0189${newId<string>().slice(4)}` });
      const [id = ''] = await append(eventOf(key));
      const lease = await held(3, holder);
      await settle(lease, holder, { published: [id] });
      await append(late);
      expect(await pendingOf(key, 3)).toEqual([late.effectId]);
      expect((await own().countEvents()).oldestPendingMs).toBeGreaterThanOrEqual(3_600_000);
      await settle(lease, holder, { published: [late.effectId], release: true });
    });

    it('holds back the key of a refused event until its next try, and no other key', async () => {
      const [refused, other, holder] = [keyIn(4), keyIn(4), newId<string>()];
      const [before = '', id = '', after = ''] = await append(eventOf(refused), eventOf(refused), eventOf(refused));
      const others = await append(eventOf(other));
      const lease = await held(4, holder);
      await settle(lease, holder, {
        published: [before],
        retries: [{ effectId: id, reason: 'status_400', retryInMs: 5000 }],
      });
      expect(await pendingOf(refused, 4)).toEqual([]);
      expect(await pendingOf(other, 4)).toEqual(others);
      store().advance(5000);
      expect(await pendingOf(refused, 4)).toEqual([id, after]);
      expect((await own().listEvents({ key: refused, limit: 9 }))[1]).toMatchObject({
        ...{ effectId: id, tries: 1, reason: 'status_400', state: 'pending' },
      });
      // Dead: what comes after it goes on.
      await settle(lease, holder, { dead: [{ effectId: id, reason: 'status_400' }] });
      expect(await pendingOf(refused, 4)).toEqual([after]);
      expect(await own(1).listEvents({ key: refused, state: 'dead', limit: 2 })).toMatchObject([
        { effectId: id, tries: 2, reason: 'status_400' },
      ]);
      await settle(lease, holder, { published: [after, ...others], release: true });
    });

    it('replays published and dead ones under their ids, and leaves pending ones as they are', async () => {
      const [key, holder] = [keyIn(5), newId<string>()];
      const old = { atMs: 1_600_000_000_000 as EpochMs, type: 'USER_DELETED' };
      const ids = await append(eventOf(key, old), eventOf(key), eventOf(key), eventOf(key));
      const [published = '', dead = '', later = '', waiting = ''] = ids;
      const lease = await held(5, holder);
      await settle(lease, holder, {
        published: [published, later],
        dead: [{ effectId: dead, reason: 'too_large' }],
        retries: [{ effectId: waiting, reason: 'status_400', retryInMs: 60_000 }],
      });
      const list = async (filter: object) =>
        (await own(1).listEvents({ key, limit: 9, ...filter })).map(({ effectId }) => effectId);
      expect(await list({ type: 'USER_DELETED' })).toEqual([published]);
      expect(await list({ sinceMs: old.atMs, untilMs: old.atMs + 1 })).toEqual([published]);
      expect(await list({ untilMs: old.atMs })).toEqual([]);
      const [first] = await own().listEvents({ key, limit: 1 });
      expect(await list({ after: first?.position })).toEqual(ids.slice(1));
      expect(await own().replayEvents([dead])).toBe(1);
      expect(await pendingOf(key, 5)).toEqual([dead]);
      expect(await own(1).replayEvents([published, waiting, newId()])).toBe(1);
      expect(await own().replayEvents(ids)).toBe(1);
      expect(await own().replayEvents(ids)).toBe(0);
      store().advance(60_000);
      expect(await pendingOf(key, 5)).toEqual(ids);
      await settle(await held(5, holder), holder, { published: ids, release: true });
    });

    it('gives every event to one of several relays that come and go', async () => {
      const keys = Array.from({ length: 6 }, () => keyIn(6));
      const events = keys.flatMap((key) => Array.from({ length: 10 }, () => eventOf(key)));
      const sent: string[] = [];
      const relay = async (index: number): Promise<void> => {
        const holder = newId<string>();
        for (let turns = 0; turns < 400; turns += 1) {
          const lease = await claim(6, holder, index);
          if (lease !== undefined) {
            const batch = await own(index).readPending({ partitions: [6], limitEach: 3 });
            const published = batch.map(({ effectId }) => effectId);
            sent.push(...published);
            await settle(lease, holder, { published, release: true }, index);
          }
          if ((await own(index).countEvents()).pending === 0) return;
        }
      };
      await own().appendEvents(events);
      await times(3, relay);
      for (const key of keys) {
        const wanted = events.filter((event) => event.key === key).map(({ effectId }) => effectId);
        expect(sent.filter((id) => wanted.includes(id))).toEqual(wanted);
      }
    });

    it('keeps what is pending or dead, however old, when old events are removed', async () => {
      const [key, holder] = [keyIn(7), newId<string>()];
      const [published = '', dead = '', pending = ''] = await append(eventOf(key), eventOf(key), eventOf(key));
      const lease = await held(7, holder);
      await settle(lease, holder, { published: [published], dead: [{ effectId: dead, reason: 'too_large' }] });
      store().advance(86_400_000);
      while ((await store().storage.housekeeping.removeOldEvents({ keepMs: 3_600_000, limit: 100 })) > 0);
      const left = await own(1).listEvents({ key, limit: 9 });
      expect(left.map(({ effectId }) => effectId)).toEqual([dead, pending]);
      await own().replayEvents([dead]);
      await settle(await held(7, holder), holder, { published: [dead, pending], release: true });
    });
  });
};
