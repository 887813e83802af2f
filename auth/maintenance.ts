/**
 * What the command line may do on the host, without a running server: what every operator may (`operations.ts`), and what wants the host
 * itself, such as the credentials of the admin API. Every act is written with its effect, as actor `admin`.
 */
import { generateKeyPairSync } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { defaultRealm, signatureAlgorithms, type UserId } from '@sallyport/contract';
import { systemClock } from '@sallyport/kit/clock';
import { defineSettings, loadSettings, settingNames } from '@sallyport/kit/config';
import { systemRandom } from '@sallyport/kit/random';
import type { Credential } from '@sallyport/storage/contracts/credentials';
import type { Erasure } from '@sallyport/storage/contracts/housekeeping';
import type { Restored } from '@sallyport/storage/contracts/recovery';
import type { SchemaState, Storage } from '@sallyport/storage/contracts/storage';
import {
  type CredentialWish,
  createCredentialDesk,
  type MadeCredential,
  mostCredentials,
} from './admin/credentials.ts';
import { type AuditMaintenance, openAuditMaintenance } from './audit-maintenance.ts';
import { clean, type Removed } from './cleanup/clean.ts';
import { type Resealed, reseal } from './cleanup/reseal.ts';
import { type AuthSettings, authSettings } from './config.ts';
import { createHashPool } from './factors/hash-pool.ts';
import { openPasswordFactor } from './factors/index.ts';
import { openPasswordPolicy } from './factors/rules/index.ts';
import { loadAuthSettings } from './load-settings.ts';
import { openActGuard, openAudit } from './open-audit.ts';
import { withRedis } from './open-redis.ts';
import { openStore } from './open-store.ts';
import {
  type AccountData,
  createOperations,
  createUserMaker,
  type OperationParts,
  type Operations,
} from './operations.ts';
import { createImportAccount, type ImportOutcome } from './register/import-account.ts';
import { createRegister } from './register/register.ts';
import { createSeed, isSeeded, type Seeded, type SeedRequest } from './register/seed.ts';
import { feedToken } from './revocations/feed-token.ts';
import { openRefreshTokens } from './tokens/open-refresh-tokens.ts';
import { createSessionStarter } from './tokens/start-session.ts';

export { settingsEnvExample, settingsMarkdown } from '@sallyport/kit/config';
export type { Finding } from '@sallyport/kit/finding';
export type { Credential } from '@sallyport/storage/contracts/credentials';
export type { StoredKey } from '@sallyport/storage/contracts/keys';
export type {
  AccountView,
  DeviceView,
  EventView,
  KeyView,
  RemovedRootView,
  RootView,
  SessionView,
} from './admin/views.ts';
export {
  deviceView,
  eventView,
  keyView,
  removedRootView,
  rootView,
  sessionView,
  userView,
} from './admin/views.ts';
export { type AuditView, auditView, type GivenFilter, longestPage, readFilter } from './audit/filter.ts';
export type { AuditReport } from './audit/verify.ts';
export type { AuditMaintenance } from './audit-maintenance.ts';
export { type Backup, backupStore } from './backup-store.ts';
export type { Removed } from './cleanup/clean.ts';
export type { Resealed } from './cleanup/reseal.ts';
export { type CopyProgress, CopyRefused, type CopyReport, copyStore, type MovedSessions } from './copy-store.ts';
export { examineIssuer } from './examine.ts';
export type { FoundUsers, NewAccount, Operations } from './operations.ts';
export { type EventSinkName, eventSinkName } from './outbox/sinks/name.ts';
export { presets as issuerPresets } from './presets/index.ts';
export type { ImportOutcome } from './register/import-account.ts';
export type { RegisterOutcome } from './register/register.ts';
export type { Seeded } from './register/seed.ts';
export type { RootKeyRemoval } from './remove-root-key.ts';
export type { RootKeyUse } from './root-key-maintenance.ts';
export { requireStoppedServers } from './stopped-servers.ts';
/** For generated documentation, and for whoever hands an environment on. */
export const issuerSettings = authSettings;
export const issuerSettingNames: readonly string[] = settingNames(authSettings);

export interface ImportedAccount extends AccountData {
  /** bcrypt, Argon2, PBKDF2 or scrypt in one of the forms of docs/guides/passwords.md. */
  readonly passwordHash: string;
}

export type KeySetting = 'JWT_SECRET' | 'JWT_SECRET_PREVIOUS' | 'JWT_PRIVATE_KEY' | 'JWT_PRIVATE_KEY_PATH';

export interface RestoredStore extends Restored {
  /** Ids of the ring's keys; tokens that they have signed are refused. */
  readonly keys: readonly string[];
  /** Names of the service credentials that lived; each service needs a new one. */
  readonly credentials: readonly string[];
  /** The settings of keys that are not the ring's: access tokens of before live until they expire, unless those are changed. */
  readonly keySettings: readonly KeySetting[];
}

export interface Maintenance extends Operations {
  /** An account with a hash from another system; it is replaced at the first login. */
  importUser(account: ImportedAccount): Promise<ImportOutcome>;
  /**
   * After the store was put back to an earlier state, before any server starts on it: ends every session, retires the ring's keys, and
   * gives the store a new incarnation. Says which keys are not the ring's to retire. `requireStoppedServers` finds servers that run.
   */
  markRestored(): Promise<RestoredStore>;
  /** Takes away what is over, and seals anew what is sealed under another root key than the first, as the issuer does on its schedule. */
  cleanUp(): Promise<{ readonly removed: Removed; readonly resealed: Resealed }>;
  /** Takes everything personal from a deleted account; ids stay. */
  eraseUser(userId: UserId): Promise<Erasure['kind']>;
  /** Whether somebody has an account that no seed has made; reads all there are. */
  /** As this opening left it: whoever opens a store brings its schema up to date. */
  readonly schema: SchemaState;
  hasPeople(): Promise<boolean>;
  /** Fills the store with numbered accounts, a session each, until there are so many. */
  seed(request: Omit<SeedRequest, 'context'>): Promise<Seeded>;
  /** A credential for the admin API. The secret is told here, and is nowhere afterwards. */
  createCredential(wish: CredentialWish): Promise<MadeCredential>;
  /** Newest first, revoked and expired ones too. */
  listCredentials(): Promise<readonly Credential[]>;
  /** By its id, or by its name among those that live. False: there is none. */
  revokeCredential(idOrName: string): Promise<boolean>;
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
  const { sealer } = sql;
  const createUser: OperationParts['createUser'] = async (account, by) => (await doors()).createUser(account, by);
  const operations = createOperations({ settings, storage, sealer, trail: audit.trail, createUser });
  const credentials = createCredentialDesk({ credentials: storage.credentials, random: systemRandom });
  return {
    ...operations({ context, around: guard.around }),
    importUser: (account) => act('importUser', async () => (await doors()).importUser(account)),
    markRestored: () => act('markRestored', () => markRestored(settings, storage)),
    cleanUp: () =>
      act('cleanUp', async () => ({
        removed: await clean({ storage, settings, cutAudit: audit.cut }),
        resealed: await reseal({ ...storage, sealer, kids: settings.rootKeys.map(({ kid }) => kid) }),
      })),
    eraseUser: (userId) => act('eraseUser', async () => (await storage.housekeeping.eraseUser(userId, context())).kind),
    schema: storage.schema,
    hasPeople: () => hasPeople(storage),
    seed: (request) => act('seed', async () => (await doors()).seed({ ...request, context: context() })),
    createCredential: (wish) => act('createCredential', () => credentials.create(wish, context())),
    listCredentials: () => credentials.list(),
    revokeCredential: (idOrName) => act('revokeCredential', () => credentials.revoke(idOrName, context())),
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

interface Doors extends Pick<Maintenance, 'importUser' | 'close'> {
  readonly createUser: OperationParts['createUser'];
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
  return {
    createUser: createUserMaker({ accounts, register, identifier: shape.identifier }),
    importUser: ({ passwordHash: givenHash, roles, permissions, ...account }) => {
      const given = roles.length === 0 && permissions.length === 0 ? {} : { roles, permissions };
      return importAccount({ body: bodyOf(account), givenHash, ...given }, context());
    },
    seed: createSeed({ ...parts, sessions, startSession }),
    close: () => policy.close(),
  };
};

/** Keys and credentials leave first: where this is interrupted, whoever calls again finds the sessions still there to end. */
const markRestored = async (
  settings: AuthSettings,
  { keys, credentials, recovery }: Storage,
): Promise<RestoredStore> => {
  const retired: string[] = [];
  for (const algorithm of signatureAlgorithms) {
    for (const { kid } of await keys.listKeys(defaultRealm, algorithm)) {
      await keys.removeKey({ realmId: defaultRealm, kid, context: context() });
      retired.push(kid);
    }
  }
  // One that was revoked since would be good again, and one that was made since is lost.
  const revoked: string[] = [];
  for (const { id, name } of await credentials.listCredentials(defaultRealm, mostCredentials)) {
    if (await credentials.revokeCredential({ realmId: defaultRealm, id, context: context() })) revoked.push(name);
  }
  const incarnation = systemRandom.bytes(12).toString('base64url');
  const ended = await recovery.markRestored({ incarnation, context: context() });
  return { ...ended, keys: retired, credentials: revoked, keySettings: ownKeySettings(settings) };
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
