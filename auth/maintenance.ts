/**
 * What the command line may do on the host, without a running server: accounts and their roles, key pairs. The first admin can
 * be made here only; no request ever carries a role. Every act is written with its effect, as actor `admin`.
 */
import { generateKeyPairSync } from 'node:crypto';
import { availableParallelism } from 'node:os';
import {
  type DeviceId,
  defaultRealm,
  isUserId,
  type SessionId,
  signatureAlgorithms,
  type UserId,
} from '@sallyport/contract';
import { systemClock } from '@sallyport/kit/clock';
import { defineSettings, loadSettings, settingNames } from '@sallyport/kit/config';
import { emailKey, usernameKey } from '@sallyport/kit/identifier';
import { systemRandom } from '@sallyport/kit/random';
import type { LoginIdentifier, User } from '@sallyport/storage/contracts/accounts';
import type { Device } from '@sallyport/storage/contracts/devices';
import type { Erasure } from '@sallyport/storage/contracts/housekeeping';
import type { Keys, StoredKey } from '@sallyport/storage/contracts/keys';
import type { EventFilter, StoredEvent } from '@sallyport/storage/contracts/outbox';
import type { Restored } from '@sallyport/storage/contracts/recovery';
import type { Session } from '@sallyport/storage/contracts/sessions';
import type { Storage } from '@sallyport/storage/contracts/storage';
import { createDeleteAccount } from './account/delete-account.ts';
import { type AuditMaintenance, openAuditMaintenance } from './audit-maintenance.ts';
import { clean, type Removed } from './cleanup/clean.ts';
import { type Resealed, reseal } from './cleanup/reseal.ts';
import { type AuthSettings, authSettings } from './config.ts';
import { createRevokeDevice } from './devices/revoke-device.ts';
import { createHashPool } from './factors/hash-pool.ts';
import { openPasswordFactor } from './factors/index.ts';
import { openPasswordPolicy } from './factors/rules/index.ts';
import { listKeys, rotateKeys } from './key-maintenance.ts';
import { loadAuthSettings } from './load-settings.ts';
import { openActGuard, openAudit } from './open-audit.ts';
import { withRedis } from './open-redis.ts';
import { openStore } from './open-store.ts';
import { listEvents, replayEvents } from './outbox/maintain-events.ts';
import { createImportAccount, type ImportOutcome } from './register/import-account.ts';
import { createRegister, type RegisterOutcome } from './register/register.ts';
import { createSeed, isSeeded, type Seeded, type SeedRequest } from './register/seed.ts';
import { feedToken } from './revocations/feed-token.ts';
import { listRootKeys, type RootKeyUse } from './root-key-maintenance.ts';
import { endAllSessions, endSession, listDevices, listSessions } from './session-maintenance.ts';
import { openRefreshTokens } from './tokens/open-refresh-tokens.ts';
import { createSessionStarter } from './tokens/start-session.ts';

export { settingsEnvExample, settingsMarkdown } from '@sallyport/kit/config';
export type { Finding } from '@sallyport/kit/finding';
export type { StoredKey } from '@sallyport/storage/contracts/keys';
export { type AuditView, auditView, type GivenFilter, longestPage, readFilter } from './audit/filter.ts';
export type { AuditReport } from './audit/verify.ts';
export type { AuditMaintenance } from './audit-maintenance.ts';
export { type Backup, backupStore } from './backup-store.ts';
export type { Removed } from './cleanup/clean.ts';
export type { Resealed } from './cleanup/reseal.ts';
export { type CopyProgress, CopyRefused, type CopyReport, copyStore, type MovedSessions } from './copy-store.ts';
export { examineIssuer } from './examine.ts';
export { type EventSinkName, eventSinkName } from './outbox/sinks/name.ts';
export { presets as issuerPresets } from './presets/index.ts';
export type { ImportOutcome } from './register/import-account.ts';
export type { RegisterOutcome } from './register/register.ts';
export type { Seeded } from './register/seed.ts';
export type { RootKeyUse } from './root-key-maintenance.ts';
export { requireStoppedServers } from './stopped-servers.ts';
/** For generated documentation, and for whoever hands an environment on. */
export const issuerSettings = authSettings;
export const issuerSettingNames: readonly string[] = settingNames(authSettings);

interface AccountData {
  /** E-mail or user name, as the preset logs in. */
  readonly identifier: string;
  readonly name?: string;
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
}

export interface NewAccount extends AccountData {
  readonly password: string;
}

export interface ImportedAccount extends AccountData {
  /** bcrypt, Argon2, PBKDF2 or scrypt in one of the forms of docs/guides/passwords.md. */
  readonly passwordHash: string;
}

export interface FoundUsers {
  readonly live: User | undefined;
  readonly deleted: readonly User[];
}

export type KeySetting = 'JWT_SECRET' | 'JWT_SECRET_PREVIOUS' | 'JWT_PRIVATE_KEY' | 'JWT_PRIVATE_KEY_PATH';

export interface RestoredStore extends Restored {
  /** Ids of the ring's keys; tokens that they have signed are refused. */
  readonly keys: readonly string[];
  /** The settings of keys that are not the ring's: access tokens of before live until they expire, unless those are changed. */
  readonly keySettings: readonly KeySetting[];
}

export interface Maintenance {
  createUser(account: NewAccount): Promise<RegisterOutcome>;
  /** An account with a hash from another system; it is replaced at the first login. */
  importUser(account: ImportedAccount): Promise<ImportOutcome>;
  /** Undefined: no such account. */
  setDisabled(identifier: string, disabled: boolean): Promise<User | undefined>;
  setRoles(identifier: string, roles: readonly string[], permissions: readonly string[]): Promise<User | undefined>;
  /** Live ones of an account, newest first. */
  listSessions(user: User): Promise<readonly Session[]>;
  /** False: no live session of this id. */
  endSession(sessionId: SessionId): Promise<boolean>;
  endAllSessions(user: User): Promise<void>;
  listDevices(user: User): Promise<readonly Device[]>;
  /** Its session dies with it. False: there is no such device. */
  revokeDevice(deviceId: DeviceId): Promise<boolean>;
  /** All keys of the ring, by algorithm, current first. */
  listKeys(): Promise<readonly StoredKey[]>;
  /**
   * Publishes a next key where there is none; issuers sign with it once it has been published for its time. Undefined: a secret or a key of
   * the owner signs, and not the ring.
   */
  rotateKeys(): Promise<readonly StoredKey[] | undefined>;
  /** Takes a next or retired key out of the ring. */
  withdrawKey(kid: string): ReturnType<Keys['withdrawKey']>;
  /** Whether the store kept the key; verifiers refuse what it has signed either way, once they hear of it. */
  removeKey(kid: string): Promise<boolean>;
  /**
   * After the store was put back to an earlier state, before any server starts on it: ends every session, retires the ring's keys, and
   * gives the store a new incarnation. Says which keys are not the ring's to retire. `requireStoppedServers` finds servers that run.
   */
  markRestored(): Promise<RestoredStore>;
  /** What still needs which root key; reads every live session and whatever is sealed. */
  listRootKeys(): Promise<readonly RootKeyUse[]>;
  /** Takes away what is over, and seals anew what is sealed under another root key than the first, as the issuer does on its schedule. */
  cleanUp(): Promise<{ readonly removed: Removed; readonly resealed: Resealed }>;
  /** The live account and the deleted ones that an id, an e-mail or a user name stands for. */
  findUsers(idOrIdentifier: string): Promise<FoundUsers>;
  /** Deletes an account as its owner would. */
  deleteUser(userId: UserId): Promise<void>;
  /** Takes everything personal from a deleted account; ids stay. */
  eraseUser(userId: UserId): Promise<Erasure['kind']>;
  /** Whether somebody has an account that no seed has made; reads all there are. */
  hasPeople(): Promise<boolean>;
  /** Fills the store with numbered accounts, a session each, until there are so many. */
  seed(request: Omit<SeedRequest, 'context'>): Promise<Seeded>;
  /** Events of the outbox that fit, oldest first. */
  listEvents(filter: EventFilter, limit: number): AsyncIterable<StoredEvent>;
  /** Lets relays send events again, under the ids that they have. Says how many; those that have not left yet do not count. */
  replayEvents(what: { readonly ids: readonly string[] } | { readonly filter: EventFilter }): Promise<number>;
  listUsers(page: { readonly after?: UserId; readonly limit: number }): Promise<readonly User[]>;
  close(): Promise<void>;
}

/** Opens the audit trail alone. Throws SettingsError with every problem. */
export const openAuditTrail = async (env: Readonly<Record<string, string | undefined>>): Promise<AuditMaintenance> => {
  const { settings } = loadAuthSettings({ env });
  const { storage } = await openStore(settings, systemRandom);
  const trail = await openAuditMaintenance(settings, storage, clock);
  return {
    ...trail,
    close: async () => {
      await trail.close();
      await storage.close();
    },
  };
};

/** Opens the store of the settings in `env`. Throws SettingsError with every problem. */
export const openMaintenance = async (env: Readonly<Record<string, string | undefined>>): Promise<Maintenance> => {
  const { settings } = loadAuthSettings({ env });
  const sql = await openStore(settings, systemRandom);
  const { storage } = await withRedis({ settings, sql, random: systemRandom });
  let opened: Promise<Doors> | undefined;
  // Most commands want nothing of what hashes and judges passwords, which takes its time.
  const doors = (): Promise<Doors> => {
    opened ??= openDoors(settings, storage);
    return opened;
  };
  const audit = await openAudit({ settings, storage, clock, random: systemRandom });
  const guard = openActGuard(audit, { storage, clock, random: systemRandom });
  /** Here, and not in the commands: none that changes something can be without it. */
  const act = <T>(name: keyof Maintenance, run: () => Promise<T>): Promise<T> =>
    guard.around({ name, context: context() }, run);
  return {
    createUser: (account) => act('createUser', async () => (await doors()).createUser(account)),
    importUser: (account) => act('importUser', async () => (await doors()).importUser(account)),
    setDisabled: (identifier, disabled) =>
      act('setDisabled', async () => {
        const userId = await findId(settings, storage, identifier);
        return userId && storage.accounts.setUserDisabled(userId, disabled, context());
      }),
    setRoles: (identifier, roles, permissions) =>
      act('setRoles', async () => {
        const userId = await findId(settings, storage, identifier);
        return userId && storage.accounts.setUserRoles({ userId, roles, permissions, context: context() });
      }),
    listSessions: (user) => listSessions(storage, user),
    endSession: (sessionId) => act('endSession', () => endSession(storage, sessionId, context())),
    endAllSessions: (user) => act('endAllSessions', () => endAllSessions(storage, user, context())),
    listDevices: (user) => listDevices(storage, user),
    revokeDevice: (deviceId) =>
      act('revokeDevice', async () => {
        const owner = (await storage.devices.findDevice(deviceId))?.userId;
        return owner !== undefined && createRevokeDevice(storage).revoke({ id: owner }, deviceId, context());
      }),
    listKeys: () => listKeys(storage.keys),
    rotateKeys: () => act('rotateKeys', () => rotateKeys(settings, { ...sql, keys: storage.keys, context: context() })),
    withdrawKey: (kid) =>
      act('withdrawKey', () => storage.keys.withdrawKey({ realmId: defaultRealm, kid, context: context() })),
    removeKey: (kid) =>
      act('removeKey', () => storage.keys.removeKey({ realmId: defaultRealm, kid, context: context() })),
    markRestored: () => act('markRestored', () => markRestored(settings, storage)),
    listRootKeys: () => listRootKeys(settings.rootKeys, { rootKeys: storage.rootKeys, audit: audit.trail }),
    cleanUp: () =>
      act('cleanUp', async () => ({
        removed: await clean({ storage, settings, cutAudit: audit.cut }),
        resealed: await reseal({ ...storage, sealer: sql.sealer, kids: settings.rootKeys.map(({ kid }) => kid) }),
      })),
    findUsers: (idOrIdentifier) => findUsers(settings, storage, idOrIdentifier),
    deleteUser: (userId) => act('deleteUser', () => createDeleteAccount(storage)(userId, context())),
    eraseUser: (userId) => act('eraseUser', async () => (await storage.housekeeping.eraseUser(userId, context())).kind),
    hasPeople: () => hasPeople(storage),
    seed: (request) => act('seed', async () => (await doors()).seed({ ...request, context: context() })),
    listEvents: (filter, limit) => listEvents(storage.outbox, filter, limit),
    replayEvents: (what) => act('replayEvents', () => replayEvents(storage.outbox, what)),
    listUsers: (page) => storage.accounts.listUsers(defaultRealm, page),
    close: async () => {
      await guard.stop();
      await (await opened)?.close();
      await audit.close();
      await storage.close();
    },
  };
};

const clock = systemClock();
const context = () => ({ requestId: systemRandom.uuidv7(clock.nowMs()), actor: 'admin' }) as const;

const pageSize = 1000;

const hasPeople = async ({ accounts }: Storage): Promise<boolean> => {
  for (let after: UserId | undefined; ; ) {
    const page = await accounts.listUsers(defaultRealm, { limit: pageSize, ...(after !== undefined && { after }) });
    if (!page.every(isSeeded)) return true;
    if (page.length < pageSize) return false;
    after = page.at(-1)?.id;
  }
};

interface Doors extends Pick<Maintenance, 'createUser' | 'importUser' | 'close'> {
  readonly seed: ReturnType<typeof createSeed>;
}

/** The rules for passwords are those of the server. */
const openDoors = async (settings: AuthSettings, { accounts, sessions, effects }: Storage): Promise<Doors> => {
  const pool = createHashPool({ places: availableParallelism(), maxWaiting: 10, maxWaitMs: 60_000 });
  const password = await openPasswordFactor(settings, pool, systemRandom);
  const ignored = () => undefined;
  const { maxBytes } = password;
  const policy = await openPasswordPolicy({ settings, maxBytes, clock, observe: ignored, onBreachFailure: ignored });
  const shape = { ...settings.shape, requiredFields: [] };
  const parts = { accounts, effects, password, policy, random: systemRandom, clock, shape };
  const register = createRegister(parts);
  const importAccount = createImportAccount(parts);
  const tokens = openRefreshTokens(settings);
  const startSession = createSessionStarter({ sessions, tokens, random: systemRandom, clock, settings });
  const bodyOf = ({ identifier, name }: Pick<AccountData, 'identifier' | 'name'>) => ({
    [shape.identifier]: identifier,
    ...(name !== undefined && { name }),
  });
  const withRoles = async (user: User, { roles, permissions }: AccountData): Promise<User> => {
    if (roles.length === 0 && permissions.length === 0) return user;
    const input = { userId: user.id, roles, permissions, context: context() };
    return (await accounts.setUserRoles(input)) ?? user;
  };
  return {
    createUser: async (account) => {
      const outcome = await register({ ...bodyOf(account), password: account.password }, context());
      return outcome.kind === 'registered' ? { ...outcome, user: await withRoles(outcome.user, account) } : outcome;
    },
    importUser: ({ passwordHash: givenHash, roles, permissions, ...account }) => {
      const given = roles.length === 0 && permissions.length === 0 ? {} : { roles, permissions };
      return importAccount({ body: bodyOf(account), givenHash, ...given }, context());
    },
    seed: createSeed({ ...parts, sessions, startSession }),
    close: () => policy.close(),
  };
};

const loginOf = ({ shape }: AuthSettings, identifier: string): LoginIdentifier | undefined => {
  const kind = shape.identifier;
  const key = kind === 'email' ? emailKey(identifier) : usernameKey(identifier);
  return key === undefined ? undefined : { kind, key };
};

/** Keys leave first: where this is interrupted, whoever calls again finds the sessions still there to end. */
const markRestored = async (settings: AuthSettings, { keys, recovery }: Storage): Promise<RestoredStore> => {
  const retired: string[] = [];
  for (const algorithm of signatureAlgorithms) {
    for (const { kid } of await keys.listKeys(defaultRealm, algorithm)) {
      await keys.removeKey({ realmId: defaultRealm, kid, context: context() });
      retired.push(kid);
    }
  }
  const incarnation = systemRandom.bytes(12).toString('base64url');
  const ended = await recovery.markRestored({ incarnation, context: context() });
  return { ...ended, keys: retired, keySettings: ownKeySettings(settings) };
};

const ownKeySettings = (settings: AuthSettings): readonly KeySetting[] => {
  const isSecret = settings.jwtAlgorithm === 'HS256';
  const isPrivateKey = !isSecret && settings.jwtPrivateKey !== undefined;
  return [
    ...(isSecret ? (['JWT_SECRET'] as const) : []),
    ...(isPrivateKey ? (['JWT_PRIVATE_KEY'] as const) : []),
    ...(!isSecret && !isPrivateKey && settings.jwtPrivateKeyPath !== undefined
      ? (['JWT_PRIVATE_KEY_PATH'] as const)
      : []),
    // It verifies whatever the algorithm is now.
    ...(settings.jwtSecretPrevious === undefined ? [] : (['JWT_SECRET_PREVIOUS'] as const)),
  ];
};

const findId = async (
  settings: AuthSettings,
  { accounts }: Storage,
  identifier: string,
): Promise<UserId | undefined> => {
  const login = loginOf(settings, identifier);
  return login && (await accounts.findUserForLogin(defaultRealm, login))?.id;
};

const findUsers = async (
  settings: AuthSettings,
  { accounts, housekeeping }: Storage,
  idOrIdentifier: string,
): Promise<FoundUsers> => {
  if (isUserId(idOrIdentifier)) {
    const user = await accounts.findUser(idOrIdentifier);
    if (user === undefined) return { live: undefined, deleted: [] };
    return user.deletedAtMs === undefined ? { live: user, deleted: [] } : { live: undefined, deleted: [user] };
  }
  const login = loginOf(settings, idOrIdentifier);
  if (login === undefined) return { live: undefined, deleted: [] };
  const deleted = await housekeeping.findDeletedUsers(defaultRealm, login);
  return { live: await accounts.findUserForLogin(defaultRealm, login), deleted };
};

/**
 * A subscriber's token at the revocation feed, from SALLYPORT_ROOT_KEYS alone.
 * @throws SettingsError where the keys are missing, TypeError for a name of another form
 */
export const feedTokenOf = (subscriber: string, env: Readonly<Record<string, string | undefined>>): string => {
  // Whatever else stands in the environment is another command's business.
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => /^SALLYPORT_ROOT_KEYS(_FILE)?$/.test(name)));
  const { settings } = loadSettings(defineSettings({ rootKeys: authSettings.rootKeys }), { env: own });
  return feedToken(subscriber, settings.rootKeys);
};

export interface KeyPair {
  readonly privatePem: string;
  /** SPKI. */
  readonly publicPem: string;
}

/** RSA: PKCS#1 private key of `rsaBits` (2048 or more); EC P-256 and Ed25519: PKCS#8. */
export const makeKeyPair = (algorithm: 'RS256' | 'PS256' | 'ES256' | 'EdDSA', rsaBits = 2048): KeyPair => {
  const { privateKey, publicKey } = drawKeyPair(algorithm, rsaBits);
  const type = algorithm === 'RS256' || algorithm === 'PS256' ? 'pkcs1' : 'pkcs8';
  return {
    privatePem: privateKey.export({ type, format: 'pem' }).toString(),
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
};

const drawKeyPair = (algorithm: 'RS256' | 'PS256' | 'ES256' | 'EdDSA', rsaBits: number) => {
  switch (algorithm) {
    case 'RS256':
    case 'PS256':
      if (!Number.isInteger(rsaBits) || rsaBits < 2048 || rsaBits > 8192)
        throw new RangeError('RSA keys have 2048 to 8192 bits');
      return generateKeyPairSync('rsa', { modulusLength: rsaBits });
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' });
    case 'EdDSA':
      return generateKeyPairSync('ed25519');
  }
};
