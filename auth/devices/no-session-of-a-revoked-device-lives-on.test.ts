/**
 * After a 200 to the revocation of a device, or to logout-all, no session of a login that ran beside it lives: whichever of its steps the others
 * came between, on every store.
 */
import { randomBytes } from 'node:crypto';
import { type DeviceId, defaultRealm, type SessionId, type UserId } from '@sallyport/contract';
import { systemClock } from '@sallyport/kit/clock';
import { systemRandom } from '@sallyport/kit/random';
import type { User } from '@sallyport/storage/contracts/accounts';
import type { Storage } from '@sallyport/storage/contracts/storage';
import { isAnyPostgresMissing } from '@sallyport/storage/postgres/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGuessGuard } from '../factors/guess-guard.ts';
import { createHashPool } from '../factors/hash-pool.ts';
import { openPasswordFactor } from '../factors/index.ts';
import { loadAuthSettings } from '../load-settings.ts';
import { createLogin, type LoginOutcome } from '../login/login.ts';
import { createLogout } from '../logout/logout.ts';
import { openWorld, type World } from '../refresh/testing/world.ts';
import { createSessionStarter } from '../tokens/start-session.ts';
import { createRevokeDevice } from './revoke-device.ts';

const newKey = (): string => randomBytes(32).toString('base64url');
const env = {
  SALLYPORT_ROOT_KEYS: `1:${newKey()}`,
  CSRF_KEYS: `1:${newKey()}`,
  JWT_SECRET: newKey(),
  BCRYPT_COST: '10',
  PASSWORD_HASH: 'bcrypt',
  LOGIN_LIMIT_PER_MINUTE: '0',
  LOCKOUT: 'off',
};
const context = { requestId: 'race', actor: 'user' } as const;
const password = newKey();
const withinMs = 60_000;
const stores = { sqlite: () => false, postgres: isAnyPostgresMissing } as const;

/** What comes between two steps: run once, before the verb. */
type Step = 'atSession' | 'atRevocation' | 'atList';
type Between = { before?: () => Promise<unknown> };
const pause = async (between: Between): Promise<void> => {
  const { before } = between;
  delete between.before;
  await before?.();
};

const paused = (storage: Storage, { atSession, atRevocation, atList }: Readonly<Record<Step, Between>>) => ({
  sessions: {
    ...storage.sessions,
    listSessions: async (...input: Parameters<Storage['sessions']['listSessions']>) => {
      await pause(atList);
      return storage.sessions.listSessions(...input);
    },
    createSession: async (...input: Parameters<Storage['sessions']['createSession']>) => {
      await pause(atSession);
      return storage.sessions.createSession(...input);
    },
  },
  devices: {
    ...storage.devices,
    revokeDevice: async (...input: Parameters<Storage['devices']['revokeDevice']>) => {
      await pause(atRevocation);
      return storage.devices.revokeDevice(...input);
    },
  },
});

describe.each(Object.entries(stores))('on %s', (name, isMissing) => {
  let world: World;
  let passwordHash: string;
  const { settings } = loadAuthSettings({ env });
  const pool = createHashPool({ places: 1, maxWaiting: 10, maxWaitMs: 10_000 });
  const factor = openPasswordFactor(settings, pool, systemRandom);
  beforeAll(async () => {
    world = await openWorld(undefined, name);
    passwordHash = await (await factor).hash(password);
  });
  afterAll(() => world?.close());

  const open = async () => {
    const { storage, tokens } = world;
    const { accounts, effects, counters } = storage;
    const [clock, random] = [systemClock(), systemRandom];
    const steps: Readonly<Record<Step, Between>> = { atSession: {}, atRevocation: {}, atList: {} };
    const { sessions, devices } = paused(storage, steps);
    const userId = random.uuidv7(Date.now()) as UserId;
    const deviceId = random.uuidv7(Date.now()) as DeviceId;
    const named = { username: userId, usernameKey: userId };
    const account = { id: userId, realmId: defaultRealm, ...named, passwordHash, roles: ['user'], permissions: [] };
    const made = await accounts.createUser(account, context);
    if (made.kind !== 'created') throw new Error('not created');
    await devices.createDevice(
      {
        ...{ id: deviceId, realmId: defaultRealm, userId, curve: 'X25519', proofRequired: false },
        ...{ deviceKey: random.bytes(32), challenge: random.bytes(32) },
      },
      { maxPerUser: 0, pendingMs: withinMs },
    );
    await devices.confirmDevice({ deviceId, withinMs, context });

    const startSession = createSessionStarter({ sessions, tokens, random, clock, settings });
    const login = createLogin({
      ...{ accounts, effects, startSession, password: await factor },
      guard: createGuessGuard({ counters, settings, clock, random }),
      shape: { identifier: 'username', requiredFields: [], optionalFields: [], devices: true },
      devices: {
        factor: {
          amr: 'swk',
          verify: async () => {
            const device = await devices.findDevice(deviceId);
            return device === undefined ? { kind: 'refused', reason: 'device_mac' } : { kind: 'proved', device };
          },
          lives: async () => (await devices.findDevice(deviceId))?.revokedAtMs === undefined,
        },
        limitRefused: async () => undefined,
        noteSeen: devices.noteDeviceSeen,
        endSession: (sessionId: SessionId) => sessions.endSession({ sessionId, cause: 'device_revoked', context }),
      },
    });
    const proof = { username: userId, deviceId, timestamp: '0', nonce: 'n', sessionId: 's', signature: 's' };
    const logIn = () => login({ identifier: userId, password, origin: {}, context, proof });
    const { revoke } = createRevokeDevice({ accounts, devices, sessions });
    const { logoutEverywhere } = createLogout({ accounts, sessions, tokens });
    return {
      ...steps,
      logIn,
      /** As a caller who was authenticated when his account was like this. */
      revokeAs: (owner: User) => revoke(owner, deviceId, context),
      user: made.user,
      logoutAll: () => logoutEverywhere(userId, context),
      /** The two steps of a password change that a session sees: the epoch rises, and the session that did it takes it up. */
      adoptNewEpoch: async (sessionId: SessionId) => {
        const before = (await accounts.findUser(userId))?.sessionEpoch ?? 0;
        await accounts.endAllSessions(userId, context);
        await sessions.adoptEpoch({ sessionId, fromEpoch: before, toEpoch: before + 1 });
      },
    };
  };

  /** What the tokens of a login that was answered are worth now. */
  const worth = async (outcome: LoginOutcome): Promise<string> => {
    if (outcome.kind !== 'tokens') return outcome.kind;
    const refreshed = await world.refresh(1, outcome.refreshToken);
    return refreshed === '503' || refreshed.kind === 'refreshed' ? 'alive' : refreshed.code;
  };

  it.skipIf(isMissing())('a device that is revoked before its session stands gets none', async () => {
    const { atSession, logIn, revokeAs, user } = await open();
    atSession.before = () => revokeAs(user);
    expect(await worth(await logIn())).toBe('refused');
  });

  it.skipIf(isMissing())(
    'a logout-all before the session stands ends it, though the login has been answered',
    async () => {
      const { atSession, logIn, logoutAll } = await open();
      expect(await worth(await logIn())).toBe('alive');
      atSession.before = logoutAll;
      expect(await worth(await logIn())).toBe('session_revoked');
    },
  );

  it.skipIf(isMissing())('a revocation whose caller knows an older epoch ends the login of the newer one', async () => {
    const { atRevocation, logIn, revokeAs, logoutAll, user } = await open();
    let between: LoginOutcome | undefined;
    atRevocation.before = async () => {
      await logoutAll();
      between = await logIn();
    };
    expect(await revokeAs(user)).toBe(true);
    expect(between?.kind).toBe('tokens');
    if (between !== undefined) expect(await worth(between)).toBe('session_revoked');
  });

  it.skipIf(isMissing())(
    'a session that takes up a newer epoch while the others are listed is found all the same',
    async () => {
      const { atList, logIn, revokeAs, adoptNewEpoch, user } = await open();
      const login = await logIn();
      if (login.kind !== 'tokens') throw new Error(login.kind);
      atList.before = () => adoptNewEpoch(login.session.id);
      expect(await revokeAs(user)).toBe(true);
      expect(await worth(login)).toBe('session_revoked');
    },
  );
});
