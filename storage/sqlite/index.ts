/**
 * The SQLite driver: serves every storage contract from one file. Writes go through the writer thread, reads happen at once on a
 * read-only connection. Several processes may share the file. It never holds a decision between two statements: that is
 * what the verbs are for.
 */
import { closeSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { EpochMs } from '@sallyport/contract';
import { uuidToBytes } from '@sallyport/kit/random';
import type { Sealer } from '@sallyport/kit/seal';
import type { Credentials } from '../contracts/credentials.ts';
import type { Devices } from '../contracts/devices.ts';
import type { Effect, Effects } from '../contracts/effects.ts';
import type { Housekeeping } from '../contracts/housekeeping.ts';
import type { Keys } from '../contracts/keys.ts';
import type { Nonces } from '../contracts/nonces.ts';
import type { Storage } from '../contracts/storage.ts';
import { StoreUnavailable } from '../contracts/store.ts';
import { makeFolder } from '../make-folder.ts';
import { places, sealDeviceOrigin } from '../sealed-columns.ts';
import { accounts } from './accounts.ts';
import { audit, auditSpool } from './audit.ts';
import type { Driver } from './driver.ts';
import { sqliteOutbox } from './outbox.ts';
import { openReader, type Reader } from './reader.ts';
import { revocations } from './revocations.ts';
import * as rows from './rows.ts';
import { sessions } from './sessions.ts';
import { canaryPrefix } from './verbs/canaries.ts';
import { listKeysStatement } from './verbs/keys.ts';
import { countSessionsByRoot, readSealed, readSessionsOfRoot } from './verbs/root-keys.ts';
import { openWriteQueue } from './write-queue.ts';

export interface SqliteOptions {
  /** Path of the database file; its folder is made. */
  readonly file: string;
  readonly sealer: Sealer;
  /** How long a revocation entry lives: the longest access lifetime and the leeway. */
  readonly revocationLifetimeMs: number;
  /** How long a write waits for another process on the same file before it is StoreUnavailable. Default 1,500 ms. */
  readonly lockTimeoutMs?: number;
  /** INSECURE, for tests: shared memory with one BigInt64 of milliseconds that moves the store's clock. */
  readonly clockOffset?: SharedArrayBuffer;
}

export const openSqlite = async (options: SqliteOptions): Promise<Storage> => {
  const file = resolve(options.file);
  makeFolder(dirname(file));
  // SQLite gives its log files the mode of the database.
  closeSync(openSync(file, 'a', 0o600));
  const clockOffset = options.clockOffset ?? new SharedArrayBuffer(8);
  const queue = await openWriteQueue({ file, clockOffset, lockTimeoutMs: options.lockTimeoutMs ?? 1500 });
  const reader = openReader(file);
  const offset = new BigInt64Array(clockOffset);
  const driver: Driver = {
    queue,
    reader,
    sealer: options.sealer,
    lifetimeMs: options.revocationLifetimeMs,
    nowMs: () => (Date.now() + Number(Atomics.load(offset, 0))) as EpochMs,
  };
  return {
    accounts: accounts(driver),
    sessions: sessions(driver),
    devices: devices(driver),
    nonces: nonces(driver),
    lastingNonces: nonces(driver),
    counters: {
      countAttempt: (input) => queue.call('countAttempt', input),
      reserveAttempt: (input) => queue.call('reserveAttempt', input),
      settleAttempt: (input) => queue.call('settleAttempt', input),
      clearAttempts: (input) => queue.call('clearAttempts', input),
    },
    credentials: credentials(driver),
    keys: keys(driver),
    revocations: revocations(driver),
    effects: effects(driver),
    audit: audit(driver),
    auditSpool: auditSpool(driver),
    outbox: sqliteOutbox(driver),
    canaries: {
      keepCanary: (keyId, sealed) => queue.call('keepCanary', { keyId, sealed }),
      listCanaryKeys: async () =>
        (
          await reader.all(
            "SELECT substr(key, length(?1) + 1) AS id FROM store_meta WHERE key LIKE ?1 || '%'",
            canaryPrefix,
          )
        ).map(({ id }) => String(id)),
    },
    companions: {
      noteIncarnation: (companion, incarnation) => queue.call('noteIncarnation', { companion, incarnation }),
      hasCompanion: async (companion) =>
        (await reader.get('SELECT 1 FROM store_meta WHERE key = ?', `companion:${companion}`)) !== undefined,
    },
    housekeeping: housekeeping(driver),
    rootKeys: {
      readSealed: (input) => readSealed(reader, input),
      replaceSealed: (input) => queue.call('replaceSealed', input),
      readSessionsOfRoot: (input) => readSessionsOfRoot(reader, input, driver.nowMs()),
      countSessionsByRoot: () => countSessionsByRoot(reader, driver.nowMs()),
    },
    recovery: { markRestored: (input) => driver.queue.call('markRestored', input) },
    schema: queue.schema,
    stats: queue.stats,
    ping: async () => {
      if (!queue.alive) throw new StoreUnavailable('the writer thread is gone');
      await reader.get('SELECT 1 AS one');
    },
    close: async () => {
      // The last connection of all empties the log into the file, and one that only reads could not.
      reader.close();
      await queue.close();
    },
  };
};

const credentials = ({ queue, reader, nowMs }: Driver): Credentials => ({
  createCredential: (credential, context) => queue.call('createCredential', { credential, context }),
  findCredential: async (realmId, id) => {
    const row = await reader.get('SELECT * FROM credentials WHERE realm_id = ? AND id = ?', realmId, id);
    return { value: row && rows.credentialFromRow(row), nowMs: nowMs() };
  },
  listCredentials: async (realmId, limit) => {
    const found = await reader.all(
      'SELECT * FROM credentials WHERE realm_id = ? ORDER BY created_at_ms DESC, id LIMIT ?',
      realmId,
      limit,
    );
    return found.map(rows.credentialFromRow);
  },
  noteCredentialUse: (realmId, id) => queue.call('noteCredentialUse', { realmId, id }),
  revokeCredential: (input) => queue.call('revokeCredential', input),
});

const nonces = ({ queue }: Driver): Nonces => ({ consumeNonce: (input) => queue.call('consumeNonce', input) });

const devices = ({ queue, reader, sealer }: Driver): Devices => ({
  createDevice: ({ deviceKey, ...device }, room) => {
    const place = places.deviceKey(device.realmId, device.userId, device.id);
    return queue.call('createDevice', {
      ...device,
      ...room,
      deviceKeySealed: sealer.seal(Buffer.from(deviceKey), place),
    });
  },
  confirmDevice: (input) => queue.call('confirmDevice', input),
  findDevice: async (deviceId) => {
    const row = await reader.get('SELECT * FROM devices WHERE id = ?', uuidToBytes(deviceId));
    return row && rows.deviceFromRow(row, sealer);
  },
  listDevices: async (userId) => {
    const found = await reader.all(
      `SELECT * FROM devices WHERE user_id = ? AND confirmed_at_ms IS NOT NULL AND revoked_at_ms IS NULL
        ORDER BY created_at_ms DESC, id DESC`,
      uuidToBytes(userId),
    );
    return found.map((row) => rows.deviceFromRow(row, sealer));
  },
  changeDevice: (input) => queue.call('changeDevice', input),
  noteDeviceSeen: (deviceId, origin) =>
    queue.call('noteDeviceSeen', { deviceId, originSealed: sealDeviceOrigin(origin, deviceId, sealer) }),
  revokeDevice: (deviceId, userId, context) => queue.call('revokeDevice', { deviceId, userId, context }),
});

const keys = ({ queue, reader }: Driver): Keys => ({
  listKeys: async (realmId, algorithm) =>
    (await reader.all(listKeysStatement, realmId, algorithm)).map(rows.keyFromRow),
  ensureNextKey: async (candidate, options) =>
    (await queue.call('ensureNextKey', { candidate, ...options })).map(rows.keyFromRow),
  advanceRing: async (step) => (await queue.call('advanceRing', step)).map(rows.keyFromRow),
  withdrawKey: (input) => queue.call('withdrawKey', input),
  removeKey: (input) => queue.call('removeKey', input),
  ensureCurrentKey: async (candidate, context) =>
    (await queue.call('ensureCurrentKey', { candidate, context })).map(rows.keyFromRow),
});

const effects = ({ queue, reader }: Driver): Effects => ({
  appendEffects: (drafts) => queue.call('appendEffects', drafts),
  readEffects: (limit) => readEffects(reader, limit),
  readEffectsPage: async (limit) => {
    const page = await readEffects(reader, limit);
    if (page.length < limit) return { effects: page };
    // Two processes draw times before they wait for the one lock: the next in line may be a little older than the last here.
    const next =
      'SELECT min(at_ms) AS since FROM (SELECT at_ms FROM effects WHERE position > ? ORDER BY position LIMIT 2000)';
    const since = (await reader.get(next, Number(page.at(-1)?.position)))?.['since'];
    return typeof since === 'number' ? { effects: page, restSinceMs: since as EpochMs } : { effects: page };
  },
  removeEffects: (drained) =>
    queue.call(
      'removeEffects',
      drained.map(({ position }) => Number(position)),
    ),
});

const readEffects = async (reader: Reader, limit: number): Promise<readonly Effect[]> =>
  (await reader.all('SELECT * FROM effects ORDER BY position LIMIT ?', limit)).map(rows.effectFromRow);

const housekeeping = ({ queue, reader, sealer }: Driver): Housekeeping => {
  const deleted = {
    email: 'SELECT * FROM users WHERE realm_id = ? AND email_key = ? AND deleted_at_ms IS NOT NULL ORDER BY id',
    username: 'SELECT * FROM users WHERE realm_id = ? AND username_key = ? AND deleted_at_ms IS NOT NULL ORDER BY id',
  } as const;
  return {
    removeExpiredSessions: (input) => queue.call('removeExpiredSessions', input),
    removeExpiredNonces: (limit) => queue.call('removeExpiredNonces', limit),
    removeIdleCounters: (limit) => queue.call('removeIdleCounters', limit),
    removeDeadDevices: (input) => queue.call('removeDeadDevices', input),
    removeOldEvents: (input) => queue.call('removeOldEvents', input),
    findDeletedUsers: async (realmId, { kind, key }) =>
      (await reader.all(deleted[kind], realmId, key)).map((row) => rows.userFromRow(row, sealer)),
    eraseUser: (userId, context) => queue.call('eraseUser', { userId, context }),
  };
};
