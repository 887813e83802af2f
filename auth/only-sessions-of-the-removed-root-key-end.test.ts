import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { UserId } from '@sallyport/contract';
import { systemRandom } from '@sallyport/kit/random';
import { createSealer } from '@sallyport/kit/seal';
import { drivers } from '@sallyport/storage';
import { newSession, newUser } from '@sallyport/storage/conformance/make';
import type { Sessions } from '@sallyport/storage/contracts/sessions';
import type { Storage } from '@sallyport/storage/contracts/storage';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { removeRootKey } from './remove-root-key.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-root-'));
const context = { requestId: 'test', actor: 'admin' } as const;
let storage: Storage;
beforeAll(async () => {
  const sealer = createSealer({ keys: [{ kid: '2', key: systemRandom.bytes(32) }], random: systemRandom });
  storage = await drivers.sqlite({ file: join(folder, 'store.db'), sealer, revocationLifetimeMs: 1000 });
});
afterAll(async () => {
  await storage.close();
  rmSync(folder, { recursive: true });
});

const reseal = async () => ({ resealed: 0, unopened: 0 });
const start = async (keyId: number) => {
  const user = newUser();
  await storage.accounts.createUser(user, context);
  const session = newSession(user.id, { keyId });
  await storage.sessions.createSession(session);
  return session;
};
const causeOf = async ({ id }: { readonly id: Parameters<Sessions['findSession']>[0] }) =>
  (await storage.sessions.findSession(id)).value?.revokedCause;

/** Its owner refreshes between the moment that it is found and the moment that it would end. */
const refreshingMeanwhile = (endSession: Sessions['endSession']) => ({
  endSession: async (input: Parameters<Sessions['endSession']>[0]) => {
    const { salt: _salt, ...next } = newSession(systemRandom.uuidv7(Date.now()) as UserId, { keyId: 2 });
    await storage.sessions.rotateSession({
      ...next,
      ...{ sessionId: input.sessionId, expectedGeneration: 0, newGeneration: 1, idleTtlMs: 60_000 },
    });
    return endSession(input);
  },
});

it('a session that has got another root key meanwhile stays', async () => {
  const session = await start(1);
  const sessions = refreshingMeanwhile(storage.sessions.endSession);
  const removal = await removeRootKey(1, { storage: { ...storage, sessions }, first: '2', reseal, context });
  expect(removal).toEqual({ kind: 'removed', sessions: 0, begunMeanwhile: 0, resealed: 0, unopened: 0 });
  expect(await causeOf(session)).toBeUndefined();
});

it('which is the work of the store, that looks at the key once more: without it the session ends', async () => {
  const session = await start(1);
  const sessions = refreshingMeanwhile(({ keyId: _unseen, ...input }) => storage.sessions.endSession(input));
  await removeRootKey(1, { storage: { ...storage, sessions }, first: '2', reseal, context });
  expect(await causeOf(session)).toBe('key_removed');
});

it('says that an issuer still derives with the key, and does nothing while it is the first', async () => {
  const [session, other] = [await start(1), await start(2)];
  expect(await removeRootKey(1, { storage, first: '1', reseal, context })).toEqual({ kind: 'first' });
  expect(await causeOf(session)).toBeUndefined();
  let begun = false;
  const sessions = {
    endSession: async (input: Parameters<Sessions['endSession']>[0]) => {
      if (!begun) await start(1);
      begun = true;
      return storage.sessions.endSession(input);
    },
  };
  const removal = await removeRootKey(1, { storage: { ...storage, sessions }, first: '2', reseal, context });
  expect(removal).toMatchObject({ sessions: 1, begunMeanwhile: 1 });
  expect([await causeOf(session), await causeOf(other)]).toEqual(['key_removed', undefined]);
});
