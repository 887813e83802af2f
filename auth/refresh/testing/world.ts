/**
 * A small world for the refresh property suite: one real store, two nodes with the real use case, one account. It injects what
 * the network and the store can do (failure before or after the commit, a store that goes back) and nothing else.
 */
import { defaultRealm, type SessionId, type UserId } from '@sallyport/contract';
import { systemRandom } from '@sallyport/kit/random';
import type { Storage } from '@sallyport/storage';
import type { Session, Sessions } from '@sallyport/storage/contracts/sessions';
import { type ActContext, StoreUnavailable } from '@sallyport/storage/contracts/store';
import { createRefreshTokens, type RefreshTokens } from '../../tokens/refresh-token.ts';
import { createUnsettledRotations } from '../../tokens/unsettled.ts';
import { createRefresh, type RefreshOptions, type RefreshOutcome } from '../refresh.ts';
import { openWorldStore, usualStore, type WorldStore } from './world-store.ts';

export const overlapMs = 10_000;
const context: ActContext = { requestId: 'property', actor: 'user' };

export type StoreFault = 'none' | 'before' | 'after';
/** A twin breaks one dependency of the use case; the suite must then fail. */
export type Sabotage = (options: RefreshOptions) => RefreshOptions;

export interface World {
  readonly tokens: RefreshTokens;
  readonly storage: Storage;
  login(): Promise<{ readonly sessionId: SessionId; readonly userId: UserId; readonly token: string }>;
  refresh(node: number, token: string, attemptId?: string): Promise<RefreshOutcome | '503'>;
  row(sessionId: SessionId): Promise<Session>;
  storeNowMs(): number;
  advance(ms: number): void;
  /** What rotations meet on both nodes until it is changed. */
  setFault(fault: StoreFault): void;
  endSession(sessionId: SessionId): Promise<boolean>;
  /** Puts a row back to an earlier copy, as a failover that lost a write does. */
  readonly putBack: WorldStore['putBack'];
  readonly remember: WorldStore['remember'];
  close(): Promise<void>;
}

/** `on`: a store by its name, or one that a test has its hand on. */
export const openWorld = async (
  sabotage: Sabotage = (options) => options,
  on: string | WorldStore = usualStore,
): Promise<World> => {
  const store = typeof on === 'string' ? await openWorldStore(on) : on;
  const [storage] = store.nodes;
  const tokens = createRefreshTokens({ roots: [{ kid: 7, key: systemRandom.bytes(32) }], secrets: [] });
  let fault: StoreFault = 'none';
  const nodes = store.nodes.map((node) => {
    const sessions = withFaults(node.sessions, () => fault);
    const unsettled = createUnsettledRotations({
      sessions,
      overlapMs,
      elapsedMs: () => performance.now() + store.clock.offsetMs(),
    });
    const policy = { rotation: true, overlapMs, ahead: 'adopt' as const };
    const { accounts, effects } = node;
    return createRefresh(
      sabotage({
        sessions,
        accounts,
        effects,
        tokens,
        unsettled,
        policy,
        random: systemRandom,
        idleTtlMs: 3_600_000_000,
        limitDevice: async () => undefined,
        onAnomaly: () => undefined,
      }),
    );
  });
  return {
    tokens,
    storage,
    login: () => login(storage, tokens),
    refresh: async (node, token, attemptId) => {
      const refresh = nodes[node % nodes.length];
      if (refresh === undefined) throw new Error('no such node');
      try {
        return await refresh({ token, attemptId, proveKey: undefined, origin: {}, context });
      } catch (error) {
        if (error instanceof StoreUnavailable) return '503';
        throw error;
      }
    },
    row: async (sessionId) => {
      const { value } = await storage.sessions.findSession(sessionId);
      if (value === undefined) throw new Error('the session is gone');
      return value;
    },
    storeNowMs: () => Date.now() + store.clock.offsetMs(),
    advance: store.clock.advance,
    setFault: (next) => {
      fault = next;
    },
    endSession: (sessionId) => storage.sessions.endSession({ sessionId, cause: 'logout', context }),
    remember: store.remember,
    putBack: store.putBack,
    close: store.close,
  };
};

/** `before`: nothing reaches the store. `after`: the rotation is committed and the node never hears of it. */
const withFaults = (sessions: Sessions, fault: () => StoreFault): Sessions => ({
  ...sessions,
  rotateSession: async (rotation) => {
    if (fault() === 'before') throw new StoreUnavailable('injected before the commit');
    const outcome = await sessions.rotateSession(rotation);
    if (fault() === 'after') throw new StoreUnavailable('injected after the commit', true);
    return outcome;
  },
  settleRotation: async (input) => {
    if (fault() !== 'none') throw new StoreUnavailable('injected');
    return sessions.settleRotation(input);
  },
});

const login = async (storage: Storage, tokens: RefreshTokens) => {
  const userId = systemRandom.uuidv7(Date.now()) as UserId;
  const sessionId = systemRandom.uuidv7(Date.now()) as SessionId;
  await storage.accounts.createUser(
    { id: userId, realmId: defaultRealm, passwordHash: undefined, roles: ['user'], permissions: [] },
    context,
  );
  const salt = systemRandom.bytes(16);
  const token = tokens.derive({ id: sessionId, generation: 0, salt, ...tokens.current });
  const tokenHash = tokens.hash(token, '');
  if (tokenHash === undefined) throw new Error('no hash');
  await storage.sessions.createSession({
    id: sessionId,
    realmId: defaultRealm,
    userId,
    clientId: 'default',
    amr: ['pwd'],
    sessionEpoch: 1,
    ...tokens.current,
    salt,
    tokenHash,
    rotationId: systemRandom.bytes(16),
    idleTtlMs: 3_600_000_000,
    absoluteTtlMs: 36_000_000_000,
    proofRequired: false,
    origin: {},
    maxPerUser: 0,
    maxPerDevice: 0,
    context,
  });
  return { sessionId, userId, token };
};
