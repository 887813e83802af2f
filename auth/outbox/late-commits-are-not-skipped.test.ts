/** A transaction that stays open while later ones commit: drain and relay on a PostgreSQL, to a receiver over HTTP. */
import { defaultRealm, type UserId } from '@sallyport/contract';
import { systemRandom } from '@sallyport/kit/random';
import { createSealer } from '@sallyport/kit/seal';
import type { Storage } from '@sallyport/storage/contracts/storage';
import { openPostgres, parseTarget } from '@sallyport/storage/postgres';
import { anyPostgres, isAnyPostgresMissing, type PostgresDatabase } from '@sallyport/storage/postgres/testing';
import { rawConnection } from '@sallyport/storage/postgres/testing/raw';
import { type Receiver, startReceiver } from '@sallyport/tests/testing/event-receiver';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Drain, startDrain } from './drain.ts';
import { type Relay, startRelay } from './relay/relay.ts';
import { openWebhookSink } from './sinks/webhook/open.ts';

const patience = { timeout: 20_000, interval: 20 };
const newUserId = () => systemRandom.uuidv7(Date.now()) as UserId;

describe.skipIf(isAnyPostgresMissing())('while a transaction is open that has deleted an account', () => {
  let database: PostgresDatabase;
  let storage: Storage;
  let receiver: Receiver;
  let drain: Drain;
  let relay: Relay;
  const errors: unknown[] = [];
  const onError = (error: unknown) => void errors.push(error);
  beforeAll(async () => {
    database = await anyPostgres();
    receiver = await startReceiver();
    const sealer = createSealer({ keys: [{ kid: '1', key: systemRandom.bytes(32) }], random: systemRandom });
    const place = { target: parseTarget(database.url), schema: database.schema };
    storage = await openPostgres({ ...place, sealer, revocationLifetimeMs: 960_000, random: systemRandom });
    drain = startDrain({ ...storage, intervalMs: 50, onError, onUnfit: onError });
    relay = startRelay({
      ...{ outbox: storage.outbox, envelope: { source: '/auth', schemaUrl: undefined }, holder: 'one' },
      sink: openWebhookSink({
        ...{ webhookUrl: receiver.url, webhookSecrets: receiver.secret },
        ...{ webhookTimeoutSeconds: 10, webhookAllowPrivateAddresses: true },
      }),
      ...{ batchSize: 10, maxTries: 3, elapsedMs: () => performance.now(), spread: Math.random },
      observer: { onSent: () => undefined, onSettled: () => undefined, onFigures: () => undefined, onError },
    });
  });
  afterAll(async () => {
    await drain.stop();
    await relay.stop();
    await storage.close();
    await Promise.all([database.stop(), receiver.stop()]);
  });

  it('what others commit meanwhile arrives, and so does its own once it is committed', async () => {
    const [early, late] = [newUserId(), newUserId()];
    const open = rawConnection(database.url, database.schema);
    await open.run(`BEGIN; SELECT append_effect('user.deleted', 'main', '${early}', NULL, NULL,
      ROW('user', 'r', NULL, NULL)::act_context)`);
    const context = { requestId: 'r', actor: 'user' } as const;
    await storage.effects.appendEffects([{ act: 'user.deleted', realmId: defaultRealm, userId: late, context }]);
    // The drain comes by several times: it could pass over the earlier one.
    await new Promise((resolve) => setTimeout(resolve, 300));
    await open.run('COMMIT');
    await open.close();
    await vi.waitUntil(() => receiver.taken.length >= 2, patience);
    expect(new Set(receiver.taken.map(({ subject }) => subject))).toEqual(new Set([early, late]));
    expect(errors).toEqual([]);
  });
});
