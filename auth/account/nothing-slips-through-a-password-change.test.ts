/**
 * The session that changes its password goes on, and with it nothing that was handed out before: not between two steps of the change, and
 * not when the store goes back to one of them (a failover of Redis that lost the last write).
 */
import { randomBytes } from 'node:crypto';
import { defaultRealm, type UserId } from '@sallyport/contract';
import { systemClock } from '@sallyport/kit/clock';
import { systemRandom } from '@sallyport/kit/random';
import type { Sessions } from '@sallyport/storage/contracts/sessions';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createGuessGuard } from '../factors/guess-guard.ts';
import { createHashPool } from '../factors/hash-pool.ts';
import { openPasswordFactor } from '../factors/index.ts';
import { openPasswordPolicy } from '../factors/rules/index.ts';
import { loadAuthSettings } from '../load-settings.ts';
import { openWorld, type World } from '../refresh/testing/world.ts';
import { createSessionRenewer } from '../tokens/renew-session.ts';
import { createSessionStarter } from '../tokens/start-session.ts';
import { createChangePassword } from './change-password.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const newKey = (): string => randomBytes(32).toString('base64url');
const env = {
  SALLYPORT_ROOT_KEYS: `1:${newKey()}`,
  CSRF_KEYS: `1:${newKey()}`,
  JWT_SECRET: newKey(),
  BCRYPT_COST: '10',
};
const context = { requestId: 'attack', actor: 'user' } as const;
const ignored = () => undefined;

/** Calls back after every write of a session. */
const watched = (sessions: Sessions, onWritten: () => Promise<void>): Sessions => ({
  ...sessions,
  adoptEpoch: async (input) => {
    const adopted = await sessions.adoptEpoch(input);
    await onWritten();
    return adopted;
  },
  rotateSession: async (input) => {
    const rotated = await sessions.rotateSession(input);
    await onWritten();
    return rotated;
  },
});

const openChange = async (onWritten: () => Promise<void>) => {
  const { settings } = loadAuthSettings({ env });
  const { accounts, counters, ...storage } = world.storage;
  const [random, clock, idleTtlMs] = [systemRandom, systemClock(), 3_600_000_000];
  const pool = createHashPool({ places: 1, maxWaiting: 10, maxWaitMs: 10_000 });
  const password = await openPasswordFactor(settings, pool, random);
  const { maxBytes } = password;
  const policy = await openPasswordPolicy({ settings, maxBytes, clock, observe: ignored, onBreachFailure: ignored });
  const sessions = watched(storage.sessions, onWritten);
  const { tokens } = world;
  const guard = createGuessGuard({ counters, settings, clock, random });
  const renewSession = createSessionRenewer({ sessions, tokens, random, idleTtlMs });
  const startSession = createSessionStarter({ sessions, tokens, random, clock, settings });
  const parts = { accounts, sessions, effects: storage.effects, password, policy, guard, renewSession };
  const change = createChangePassword(parts);
  return { accounts, password, startSession, change, close: () => policy.close() };
};

it('a token of before gets nothing from the moment on at which the password is another one', async () => {
  let copied = '';
  const outcomes: string[] = [];
  const tryCopied = async (): Promise<void> => {
    const outcome = await world.refresh(1, copied);
    outcomes.push(outcome === '503' || outcome.kind === 'refreshed' ? 'accepted' : outcome.code);
  };
  const written: number[] = [];
  const { accounts, password, startSession, change, close } = await openChange(async () => {
    written.push((await world.row(session.id)).generation);
    await world.remember(session.id);
    await tryCopied();
  });
  const [userId, currentPassword] = [systemRandom.uuidv7(Date.now()) as UserId, newKey()];
  const passwordHash = await password.hash(currentPassword);
  const made = await accounts.createUser(
    { id: userId, realmId: defaultRealm, passwordHash, roles: ['user'], permissions: [] },
    context,
  );
  if (made.kind !== 'created') throw new Error('not created');
  const { user } = made;
  const started = await startSession({ user, amr: ['pwd'], origin: {}, context });
  copied = started.refreshToken;
  const session = await world.row(started.session.id);

  const changed = await change({ user, session, currentPassword, newPassword: newKey(), context });
  await close();
  if (changed.kind !== 'changed') throw new Error(changed.kind);
  expect(changed.session.sessionEpoch).toBe(changed.user.sessionEpoch);
  expect(outcomes).not.toContain('accepted');
  expect(await world.refresh(0, changed.refreshToken)).toMatchObject({ kind: 'refreshed' });

  for (const generation of written) {
    await world.putBack(session.id, generation);
    await tryCopied();
  }
  expect(outcomes).not.toContain('accepted');
  expect(outcomes.length).toBe(2 * written.length);
});
