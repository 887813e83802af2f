/**
 * A rotation whose answer was not waited for may still be waiting itself, for a slow disk or a synchronous standby: its commit has no limit.
 * Whoever settles it then must not take it for one that has never been.
 */
import type { UserId } from '@sallyport/contract';
import { systemRandom } from '@sallyport/kit/random';
import postgres from 'postgres';
import { expect, it, onTestFinished } from 'vitest';
import { newId, newSession } from '../conformance/make.ts';
import { openTestStore } from './testing/open-test-store.ts';
import { anyPostgres, isAnyPostgresMissing } from './testing/start-postgres.ts';

it.skipIf(isAnyPostgresMissing())('a rotation that has not been committed yet is settled when it is', async () => {
  const { url, schema, stop } = await anyPostgres();
  const storage = await openTestStore(url, { schema });
  const other = postgres(url, { max: 1, onnotice: () => undefined });
  onTestFinished(async () => {
    await other.end();
    await storage.close();
    await stop();
  });
  const session = newSession(newId<UserId>());
  await storage.sessions.createSession(session);
  const rotationId = systemRandom.bytes(16);
  const settle = () => storage.sessions.settleRotation({ sessionId: session.id, rotationId });
  await other.unsafe(`BEGIN; UPDATE ${schema}.sessions
    SET generation = 1, rotated_at_ms = 1, rotation_id = '\\x${Buffer.from(rotationId).toString('hex')}' WHERE id = '${session.id}'`);

  const began = performance.now();
  await expect(settle()).rejects.toMatchObject({ name: 'StoreUnavailable' });
  // All refreshes of the node wait for it.
  expect(performance.now() - began).toBeLessThan(300);
  await other.unsafe('COMMIT');
  expect(await settle()).toBe(true);
  expect((await storage.sessions.findSession(session.id)).value?.rotatedAtMs).toBeGreaterThan(1);
  expect(await storage.sessions.settleRotation({ sessionId: session.id, rotationId: systemRandom.bytes(16) })).toBe(
    false,
  );
});
