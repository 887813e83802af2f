/**
 * Redis loses what it was told: emptied, or put back to an older copy (killed without an append-only file). No session that has ended
 * lives again, no used or revoked token is accepted, and what is lost is said to be lost.
 */
import { defaultRealm, type EpochMs, type SessionId, type UserId } from '@sallyport/contract';
import { systemRandom } from '@sallyport/kit/random';
import type { Storage } from '@sallyport/storage';
import { isRedisMissing, type RedisServer, startRedis } from '@sallyport/storage/redis/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openWorld, type World } from './testing/world.ts';
import { inRedis } from './testing/world-store.ts';

const context = { requestId: 'attack', actor: 'user' } as const;

const open = async (sabotage?: (sql: Storage) => Storage) => {
  const server = await startRedis();
  const store = await inRedis(server, { ...(sabotage && { sabotage }) });
  const told: string[] = [];
  const listen: Parameters<typeof openWorld>[0] = (options) => ({
    ...options,
    onAnomaly: (anomaly) => void told.push(anomaly),
  });
  const world = await openWorld(listen, store);
  onTestFinished(() => world.close());
  return { server, store, world, told };
};

const outcomeOf = async (world: World, token: string): Promise<string> => {
  const outcome = await world.refresh(0, token);
  if (outcome === '503') return '503';
  return outcome.kind === 'refused' ? outcome.code : outcome.kind;
};

const refreshed = async (world: World, token: string): Promise<string> => {
  const outcome = await world.refresh(0, token);
  if (outcome === '503' || outcome.kind !== 'refreshed') throw new Error('not refreshed');
  return outcome.refreshToken;
};

/** Every way for a session to end; each is told to the caller before Redis goes back. */
const endings: Readonly<Record<string, (world: World, sessionId: SessionId, userId: UserId) => Promise<unknown>>> = {
  logout: ({ storage }, sessionId) => storage.sessions.endSession({ sessionId, cause: 'logout', context }),
  'end of the others': ({ storage }, _, userId) =>
    storage.sessions.endSessionsOfUser({ userId, cause: 'ended_by_user', context }),
  'logout everywhere': ({ storage }, _, userId) => storage.accounts.endAllSessions(userId, context),
  disabling: ({ storage }, _, userId) => storage.accounts.setUserDisabled(userId, true, context),
  'verdict of reuse': async (world, sessionId) => {
    const { generation: presentedGeneration } = await world.row(sessionId);
    const end = { sessionId, overlapMs: 0, context };
    // Two rotations on: the generation that the copy stands at is an old one.
    const { tokens, storage } = world;
    await refreshed(world, await refreshed(world, tokens.derive(await world.row(sessionId))));
    if (!(await storage.sessions.endReusedSession({ ...end, presentedGeneration }))) throw new Error('not ended');
  },
};

/** Kills Redis and starts it with the copy that lies on its disk; resolves when the store answers again. */
const goBack = async (server: RedisServer, { storage }: World): Promise<void> => {
  await server.kill();
  await server.restart();
  await vi.waitUntil(
    () =>
      storage.ping().then(
        () => true,
        () => false,
      ),
    { timeout: 5000 },
  );
};

/** The endings whose sessions live again once Redis has gone back to before them. */
const revived = async (sabotage?: (sql: Storage) => Storage): Promise<readonly string[]> => {
  const { server, world } = await open(sabotage);
  const sessions = await Promise.all(
    Object.entries(endings).map(async ([name, end]) => ({ name, end, ...(await world.login()) })),
  );
  const tokens = await Promise.all(sessions.map(({ token }) => refreshed(world, token)));
  await server.save();
  for (const { end, sessionId, userId } of sessions) await end(world, sessionId, userId);
  await goBack(server, world);
  const outcomes = await Promise.all(tokens.map((token) => outcomeOf(world, token)));
  return sessions.flatMap(({ name }, at) => (outcomes[at] === 'refreshed' ? [name] : []));
};

describe.skipIf(isRedisMissing())('a Redis that was put back to an older copy', () => {
  it('revives no session that has ended', async () => {
    expect(await revived()).toEqual([]);
  });

  it('would, were it not for what SQL says (sabotaged twin)', async () => {
    const blind = (sql: Storage): Storage => ({
      ...sql,
      revocations: { ...sql.revocations, findSessionEnds: async () => new Map() },
    });
    expect(await revived(blind)).toEqual(['logout', 'end of the others', 'verdict of reuse']);
  });

  it('goes on with a token that is one ahead, and takes no nonce of before', async () => {
    const { server, world, told } = await open();
    const { token } = await world.login();
    const madeAtMs = Date.now() as EpochMs;
    const nonce = { realmId: defaultRealm, purpose: 'test', nonce: 'n', expiresAtMs: (madeAtMs + 60_000) as EpochMs };
    await server.save();
    const ahead = await refreshed(world, token);
    expect(await world.storage.nonces.consumeNonce({ ...nonce, madeAtMs })).toBe(true);
    await goBack(server, world);
    expect(await outcomeOf(world, ahead)).toBe('refreshed');
    expect(told).toEqual(['adopted_ahead']);
    expect(await world.storage.nonces.consumeNonce({ ...nonce, madeAtMs })).toBe(false);
    const later = (Date.now() + 1000) as EpochMs;
    expect(await world.storage.nonces.consumeNonce({ ...nonce, nonce: 'later', madeAtMs: later })).toBe(true);
  });
});

describe.skipIf(isRedisMissing())('a Redis that was emptied', () => {
  it('accepts no used and no revoked token, says that sessions are lost, and is noticed once', async () => {
    const { server, store, world, told } = await open();
    const [live, ended] = await Promise.all([world.login(), world.login()]);
    const current = await refreshed(world, live.token);
    await world.endSession(ended.sessionId);
    await server.flush();
    for (const token of [live.token, current, ended.token]) {
      expect(await outcomeOf(world, token)).toBe('session_lost');
    }
    expect(told).toEqual(['session_lost', 'session_lost', 'session_lost']);
    for (const node of [...store.nodes, ...store.nodes]) await node.effects.readEffects(10);
    expect(store.emptied).toBe(1);
    const { token } = await world.login();
    expect(await outcomeOf(world, token)).toBe('refreshed');
  });

  it('and filled again with an older copy has forgotten no logout from in between', async () => {
    const { server, world } = await open();
    const { sessionId, token } = await world.login();
    await server.save();
    await server.flush();
    expect(await world.storage.sessions.endSession({ sessionId, cause: 'logout', context })).toBe(false);
    await goBack(server, world);
    expect(await outcomeOf(world, token)).toBe('session_revoked');
  });

  it('spends no nonce of what was made before', async () => {
    const { server, world } = await open();
    const madeAtMs = Date.now() as EpochMs;
    const nonce = { realmId: defaultRealm, purpose: 'test', nonce: systemRandom.uuidv7(madeAtMs), madeAtMs };
    const expiresAtMs = (madeAtMs + 60_000) as EpochMs;
    expect(await world.storage.nonces.consumeNonce({ ...nonce, expiresAtMs })).toBe(true);
    await server.flush();
    await vi.waitUntil(() => Date.now() > madeAtMs);
    expect(await world.storage.nonces.consumeNonce({ ...nonce, expiresAtMs })).toBe(false);
  });
});
