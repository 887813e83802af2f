/** The relay on a real store, to a real receiver over HTTP. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultRealm, type EpochMs } from '@sallyport/contract';
import { systemRandom } from '@sallyport/kit/random';
import { createSealer } from '@sallyport/kit/seal';
import type { OutboxEvent } from '@sallyport/storage/contracts/outbox';
import type { Storage } from '@sallyport/storage/contracts/storage';
import { openSqlite } from '@sallyport/storage/sqlite';
import { type Receiver, startReceiver, withoutRepetitions } from '@sallyport/tests/testing/event-receiver';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openWebhookSink } from '../sinks/webhook/open.ts';
import { type Relay, startRelay } from './relay.ts';
import type { Verdict } from './settlement.ts';

const patience = { timeout: 20_000, interval: 20 };
const folder = mkdtempSync(join(tmpdir(), 'sallyport-relay-'));
const sealer = createSealer({ keys: [{ kid: '1', key: systemRandom.bytes(32) }], random: systemRandom });
const clockOffset = new SharedArrayBuffer(8);
const advance = (ms: number) => void Atomics.add(new BigInt64Array(clockOffset), 0, BigInt(ms));

let stores: readonly Storage[];
let receiver: Receiver;
let relays: Relay[] = [];
const outbox = () => stores[0]?.outbox as Storage['outbox'];

beforeAll(async () => {
  const open = () => openSqlite({ file: join(folder, 'store.db'), sealer, revocationLifetimeMs: 960_000, clockOffset });
  stores = await Promise.all([open(), open()]);
});
afterAll(async () => {
  await Promise.all(stores.map((store) => store.close()));
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(async () => {
  await Promise.all(relays.map((relay) => relay.stop()));
  relays = [];
  await receiver.stop();
});

interface RelayForTest {
  readonly maxTries?: number;
  readonly batchSize?: number;
  readonly elapsedMs?: () => number;
  readonly timeoutSeconds?: number;
  readonly stopLimitMs?: number;
}

const relay = (index = 0, { maxTries = 5, batchSize = 50, timeoutSeconds = 30, ...given }: RelayForTest = {}) => {
  const settled: Verdict[] = [];
  const errors: unknown[] = [];
  const started = startRelay({
    outbox: stores[index]?.outbox as Storage['outbox'],
    sink: openWebhookSink({
      webhookUrl: receiver.url,
      webhookSecrets: receiver.secret,
      webhookTimeoutSeconds: timeoutSeconds,
      webhookAllowPrivateAddresses: true,
    }),
    envelope: { source: '/auth', schemaUrl: undefined },
    holder: systemRandom.uuidv7(Date.now()),
    ...{ batchSize, maxTries, pollMs: 100, spread: Math.random },
    elapsedMs: () => performance.now(),
    ...given,
    observer: {
      onSent: () => undefined,
      onFigures: () => undefined,
      onSettled: (verdict) => void settled.push(verdict),
      onError: (error) => void errors.push(error),
    },
  });
  relays.push(started);
  return { ...started, settled, errors };
};

const newKey = (): string => systemRandom.uuidv7(Date.now());
const eventOf = (key: string, data: object = {}): OutboxEvent => ({
  ...{ effectId: newKey(), realmId: defaultRealm, type: 'USER_DELETED', version: 1, key },
  ...{ data: JSON.stringify({ user_id: key, ...data }), atMs: Date.now() as EpochMs },
});
const append = async (...events: readonly OutboxEvent[]) => {
  await outbox().appendEvents(events);
  return events.map(({ effectId }) => effectId);
};
const takenOf = (key: string) => receiver.taken.filter(({ subject }) => subject === key).map(({ id }) => id);
const isDrained = () => vi.waitUntil(async () => (await outbox().countEvents()).pending === 0, patience);

describe('the relay', () => {
  it('is woken by what is appended, and delivers it as a signed CloudEvent', async () => {
    relay();
    const key = newKey();
    const [id] = await append(eventOf(key, { note: 'é' }));
    await vi.waitUntil(() => receiver.taken.length === 1, patience);
    expect(receiver.taken[0]).toEqual({
      ...{ specversion: '1.0', id, type: 'USER_DELETED', source: '/auth', subject: key, realmid: 'main' },
      ...{ time: expect.stringMatching(/Z$/), datacontenttype: 'application/json' },
      ...{ dataschema: 'urn:sallyport:event:USER_DELETED:1', data: { user_id: key, note: 'é' } },
    });
    expect(receiver.forged).toBe(0);
    await isDrained();
    expect((await outbox().listEvents({ key, limit: 2 }))[0]?.state).toBe('published');
  });

  it('three of them on one store deliver everything, in the order of each user', async () => {
    const keys = Array.from({ length: 20 }, newKey);
    const events = Array.from({ length: 10 }, () => keys.map((key) => eventOf(key))).flat();
    const ids = await append(...events);
    for (const index of [0, 1, 1]) relay(index, { batchSize: 20 });
    await isDrained();
    expect(receiver.taken).toHaveLength(200);
    expect(new Set(receiver.taken.map(({ id }) => id))).toEqual(new Set(ids));
    for (const key of keys)
      expect(takenOf(key)).toEqual(events.filter((event) => event.key === key).map(({ effectId }) => effectId));
  });

  it('waits for a receiver that is away without counting, and delivers when it is back', async () => {
    await receiver.stop();
    const { settled } = relay(0, { maxTries: 1 });
    const key = newKey();
    const ids = await append(eventOf(key), eventOf(key));
    await vi.waitUntil(() => settled.length >= 2, patience);
    expect(
      settled.every(({ receiverAway, unavailableReason }) => receiverAway && unavailableReason === 'connection'),
    ).toBe(true);
    expect((await outbox().listEvents({ key, limit: 2 })).map(({ state, tries }) => [state, tries])).toEqual([
      ['pending', 0],
      ['pending', 0],
    ]);
    await receiver.start();
    await isDrained();
    expect(takenOf(key)).toEqual(ids);
  });

  it('gives up what is refused too often, beside others that go on, and then what came after it', async () => {
    const [bad, good] = [newKey(), newKey()];
    const [poison = '', after] = await append(eventOf(bad), eventOf(bad));
    receiver.answer = ({ id }) => (id === poison ? 422 : 204);
    relay(0, { maxTries: 3 });
    await vi.waitUntil(async () => (await outbox().listEvents({ key: bad, limit: 1 }))[0]?.tries === 1, patience);
    const goods = await append(eventOf(good), eventOf(good));
    await vi.waitUntil(() => takenOf(good).length === 2, patience);
    expect(takenOf(good)).toEqual(goods);
    expect(takenOf(bad)).toEqual([]);
    await vi.waitUntil(
      async () => {
        advance(60_000);
        return takenOf(bad).length === 1;
      },
      { ...patience, interval: 200 },
    );
    expect(takenOf(bad)).toEqual([after]);
    expect(await outbox().listEvents({ key: bad, state: 'dead', limit: 2 })).toMatchObject([
      { effectId: poison, tries: 3, reason: 'status_422' },
    ]);
    // Replayed under its id, once the receiver knows better.
    receiver.answer = () => 204;
    await outbox().replayEvents([poison]);
    await isDrained();
    expect(takenOf(bad)).toEqual([after, poison]);
  });

  it('takes a 500 for the receiver where nothing is taken, and for the event beside one that is', async () => {
    const key = newKey();
    // One partition for both.
    const other = `${newKey().slice(0, -1)}${key.slice(-1)}`;
    const [poison = ''] = await append(eventOf(key));
    receiver.answer = ({ id }) => (id === poison ? 500 : 204);
    const { settled } = relay(0, { maxTries: 100 });
    await vi.waitUntil(() => settled.length >= 2, patience);
    expect(settled.every(({ receiverAway }) => receiverAway)).toBe(true);
    const [id] = await append(eventOf(other));
    await vi.waitUntil(() => takenOf(other).length === 1, patience);
    expect(takenOf(other)).toEqual([id]);
    await vi.waitUntil(async () => (await outbox().listEvents({ key, limit: 1 }))[0]?.tries === 1, patience);
    receiver.answer = () => 204;
    advance(60_000);
    await isDrained();
  });

  it('that was paused in a send and has lost its lease marks nothing, and sends nothing more', async () => {
    const key = newKey();
    const ids = await append(eventOf(key), eventOf(key), eventOf(key));
    const held = Promise.withResolvers<number>();
    let asked = 0;
    receiver.answer = () => {
      asked += 1;
      return asked === 1 ? held.promise : 204;
    };
    // The first has no renewal: its own clock stands still, as that of a process that is paused.
    const stopped = performance.now();
    const first = relay(0, { elapsedMs: () => stopped });
    await vi.waitUntil(() => asked === 1, patience);
    advance(10_000);
    relay(1);
    await isDrained();
    expect(takenOf(key)).toEqual(ids);
    // Its own answer comes now.
    held.resolve(204);
    await vi.waitUntil(() => receiver.taken.length > 3, patience);
    await first.stop();
    expect(first.settled).toEqual([]);
    expect(withoutRepetitions(receiver.taken).map(({ id }) => id)).toEqual(ids);
    expect((await outbox().listEvents({ key, limit: 3 })).every(({ state }) => state === 'published')).toBe(true);
  });

  it('sends at its stop what is there, and gives its partitions back', async () => {
    const { stop } = relay();
    const ids = await append(...Array.from({ length: 30 }, () => eventOf(newKey())));
    await stop();
    expect(new Set(receiver.taken.map(({ id }) => id))).toEqual(new Set(ids));
    expect(await outbox().readPartitions()).toEqual([]);
  });

  it('stops within its bound while a receiver holds its answer back', async () => {
    const { stop } = relay(0, { stopLimitMs: 200 });
    receiver.answer = () => new Promise<number>(() => undefined);
    const key = newKey();
    await append(eventOf(key));
    await vi.waitUntil(async () => (await outbox().readPartitions()).length > 0, patience);
    await stop();
    expect((await outbox().listEvents({ key, limit: 1 }))[0]?.state).toBe('pending');
    expect(await outbox().readPartitions()).toMatchObject([{ pending: true, heldForMs: 0 }]);
    receiver.answer = () => 204;
    relay(1);
    await isDrained();
  });
});
