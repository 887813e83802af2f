/**
 * The SQLite driver: serves every storage contract from one file. Writes go through the writer thread, reads happen at once on a
 * read-only connection. Several processes may share the file. It never holds a decision between two statements: that is
 * what the verbs are for.
 */
import { closeSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { SQLInputValue } from 'node:sqlite';
import type { EpochMs } from '@sallyport/contract';
import { uuidToBytes } from '@sallyport/kit/random';
import type { Sealer } from '@sallyport/kit/seal';
import type { Accounts } from '../contracts/accounts.ts';
import type { Audit, AuditSpool } from '../contracts/audit.ts';
import { firstIdAround } from '../contracts/audit-ids.ts';
import type { Credentials } from '../contracts/credentials.ts';
import type { Devices } from '../contracts/devices.ts';
import type { Effect, Effects } from '../contracts/effects.ts';
import type { Housekeeping } from '../contracts/housekeeping.ts';
import type { Keys } from '../contracts/keys.ts';
import type { Nonces } from '../contracts/nonces.ts';
import type { Revocations } from '../contracts/revocations.ts';
import type { Sessions } from '../contracts/sessions.ts';
import type { Storage } from '../contracts/storage.ts';
import { StoreUnavailable } from '../contracts/store.ts';
import { lastCodePoint } from '../key-order.ts';
import { makeFolder } from '../make-folder.ts';
import { places, sealDeviceOrigin, sealOrigin } from '../sealed-columns.ts';
import { sqliteOutbox } from './outbox.ts';
import { openReader, type Reader } from './reader.ts';
import * as rows from './rows.ts';
import type { SqlRow } from './transaction.ts';
import { canaryPrefix } from './verbs/canaries.ts';
import { listKeysStatement } from './verbs/keys.ts';
import { countSessionsByRoot, readSealed, readSessionsOfRoot } from './verbs/root-keys.ts';
import { openWriteQueue, type WriteQueue } from './write-queue.ts';

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

interface Driver {
  readonly queue: WriteQueue;
  readonly reader: Reader;
  readonly sealer: Sealer;
  readonly lifetimeMs: number;
  nowMs(): EpochMs;
}

/** Opens the file, brings its schema up to date, and serves. Rejects with a readable reason when it cannot. */
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

const accounts = ({ queue, reader, sealer, lifetimeMs }: Driver): Accounts => {
  const user = (row: SqlRow | undefined) => row && rows.userFromRow(row, sealer);
  const loginStatements = {
    email: 'SELECT * FROM users WHERE realm_id = ? AND email_key = ? AND deleted_at_ms IS NULL',
    username: 'SELECT * FROM users WHERE realm_id = ? AND username_key = ? AND deleted_at_ms IS NULL',
  } as const;
  return {
    createUser: async ({ phoneNumber, ...plain }, context) => {
      const phoneSealed = phoneNumber === undefined ? undefined : sealer.seal(phoneNumber, places.phone(plain.id));
      const row = await queue.call('createUser', { user: { ...plain, phoneSealed }, context });
      return row === undefined ? { kind: 'taken' } : { kind: 'created', user: rows.userFromRow(row, sealer) };
    },
    findUserForLogin: async (realmId, { kind, key }) => user(await reader.get(loginStatements[kind], realmId, key)),
    findUser: async (userId) => user(await reader.get('SELECT * FROM users WHERE id = ?', uuidToBytes(userId))),
    changePassword: async (input) => {
      const row = await queue.call('changePassword', { ...input, lifetimeMs });
      return row === undefined ? { changed: false } : { changed: true, user: rows.userFromRow(row, sealer) };
    },
    replacePasswordHash: (input) => queue.call('replacePasswordHash', input),
    endAllSessions: async (userId, context) =>
      user(await queue.call('endAllSessions', { userId, context, lifetimeMs })),
    setUserDisabled: async (userId, disabled, context) =>
      user(await queue.call(disabled ? 'disableUser' : 'enableUser', { userId, context, lifetimeMs })),
    setUserRoles: async (input) => user(await queue.call('setUserRoles', { ...input, lifetimeMs })),
    deleteUser: async (userId, context) => user(await queue.call('deleteUser', { userId, context, lifetimeMs })),
    listUsers: async (realmId, { after, limit }) => {
      const from = after === undefined ? new Uint8Array(0) : uuidToBytes(after);
      const found = await reader.all(
        'SELECT * FROM users WHERE realm_id = ? AND deleted_at_ms IS NULL AND id > ? ORDER BY id LIMIT ?',
        realmId,
        from,
        limit,
      );
      return found.map((row) => rows.userFromRow(row, sealer));
    },
    searchUsers: async (realmId, { kind, prefix, after, limit }) => {
      const column = `${kind}_key`;
      const found = await reader.all(
        `SELECT * FROM users WHERE realm_id = ? AND ${column} >= ? AND ${column} < ? AND ${column} > ? AND deleted_at_ms IS NULL
          ORDER BY ${column} LIMIT ?`,
        realmId,
        prefix,
        prefix + lastCodePoint,
        after ?? '',
        limit,
      );
      return found.map((row) => rows.userFromRow(row, sealer));
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

const sessions = ({ queue, reader, sealer, lifetimeMs, nowMs }: Driver): Sessions => ({
  createSession: async ({ origin, ...session }) => {
    const originSealed = sealOrigin(origin, session.id, sealer);
    const at = await queue.call('createSession', { ...session, originSealed, lifetimeMs });
    return { value: undefined, nowMs: at as EpochMs };
  },
  findSession: async (sessionId) => {
    const row = await reader.get('SELECT * FROM sessions WHERE id = ?', uuidToBytes(sessionId));
    return { value: row && rows.sessionFromRow(row, sealer), nowMs: nowMs() };
  },
  rotateSession: async ({ origin, ...rotation }) => {
    const originSealed = origin && sealOrigin(origin, rotation.sessionId, sealer);
    const rotated = await queue.call('rotateSession', { ...rotation, originSealed });
    const nowMs = rotated.nowMs as EpochMs;
    if (rotated.won) return { value: { won: true, sessionEpoch: rotated.sessionEpoch }, nowMs };
    return { value: { won: false, session: rotated.row && rows.sessionFromRow(rotated.row, sealer) }, nowMs };
  },
  keepSession: async ({ origin, ...input }) => {
    const originSealed = origin && sealOrigin(origin, input.sessionId, sealer);
    const { kept, nowMs: at } = await queue.call('keepSession', { ...input, originSealed });
    return { value: kept, nowMs: at as EpochMs };
  },
  recordLoserAttempt: (input) => queue.call('recordLoserAttempt', input),
  endReusedSession: (input) => queue.call('endReusedSession', { ...input, lifetimeMs }),
  endSession: (input) => queue.call('endSession', { ...input, lifetimeMs }),
  endSessionsOfUser: (input) => queue.call('endSessionsOfUser', { ...input, lifetimeMs }),
  adoptEpoch: (input) => queue.call('adoptEpoch', input),
  listSessions: async ({ userId, sessionEpoch, limit }) => {
    const now = nowMs();
    const found = await reader.all(
      `SELECT * FROM sessions WHERE user_id = ? AND revoked_at_ms IS NULL AND session_epoch = ?
        AND idle_expires_at_ms > ? AND absolute_expires_at_ms > ? ORDER BY created_at_ms DESC, id DESC LIMIT ?`,
      uuidToBytes(userId),
      sessionEpoch,
      now,
      now,
      limit,
    );
    return found.map((row) => rows.sessionFromRow(row, sealer));
  },
  settleRotation: (input) => queue.call('settleRotation', input),
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

const revocations = ({ queue, reader, lifetimeMs, nowMs }: Driver): Revocations => ({
  readRevocations: async (afterPosition, limit) => {
    const found = await reader.all(
      'SELECT * FROM revocations WHERE position > ? ORDER BY position LIMIT ?',
      afterPosition,
      limit,
    );
    return found.map(rows.revocationFromRow);
  },
  readLiveRevocations: async (afterPosition, limit) => {
    const found = await reader.all(
      'SELECT * FROM revocations WHERE position > ? AND expires_at_ms > ? ORDER BY position LIMIT ?',
      afterPosition,
      nowMs(),
      limit,
    );
    return found.map(rows.revocationFromRow);
  },
  lastRevocationPosition: async () => {
    // The table may have been cleaned; AUTOINCREMENT's own count stays.
    const row = await reader.get("SELECT seq FROM sqlite_sequence WHERE name = 'revocations'");
    return Number(row?.['seq'] ?? 0);
  },
  countRevocations: async () => {
    const now = nowMs();
    const counted = await reader.get(
      `SELECT (SELECT COUNT(*) FROM revocations WHERE expires_at_ms > ?) AS live,
        (SELECT COUNT(*) FROM revocations WHERE expires_at_ms <= ?) AS expired`,
      now,
      now,
    );
    return { live: Number(counted?.['live']), expired: Number(counted?.['expired']) };
  },
  tidyRevocations: (maxEntries) => queue.call('tidyRevocations', { maxEntries, lifetimeMs }),
  onWrite: (wake) => queue.onBatch(wake),
  storeIncarnation: async () => {
    const row = await reader.get("SELECT value FROM store_meta WHERE key = 'incarnation'");
    return String(row?.['value']);
  },
  recordSessionEnds: async (ends, context) =>
    ends.length === 0 ? [] : queue.call('recordSessionEnds', { ends, context, lifetimeMs }),
  findSessionEnds: async (sessionIds) => {
    const found = await reader.all(
      'SELECT * FROM ended_sessions WHERE session_id IN (SELECT unhex(value) FROM json_each(?))',
      JSON.stringify(sessionIds.map((id) => id.replaceAll('-', ''))),
    );
    return new Map(found.map(rows.sessionEndFromRow));
  },
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

const audit = ({ queue, reader }: Driver): Audit => ({
  appendAudit: (records) => queue.call('appendAudit', records),
  listAudit: async ({ realmId, limit, ...filter }) => {
    const conditions: readonly (readonly [string, SQLInputValue | undefined])[] = [
      ['user_id = ?', filter.userId],
      ['event_type = ?', filter.eventType],
      ['address = ?', filter.address],
      ['at_ms >= ?', filter.sinceMs],
      ['at_ms < ?', filter.untilMs],
      ['effect_id >= ?', filter.sinceMs === undefined ? undefined : uuidToBytes(firstIdAround(filter.sinceMs))],
      ['effect_id < ?', filter.before === undefined ? undefined : uuidToBytes(filter.before)],
    ];
    const given = conditions.filter((each): each is readonly [string, SQLInputValue] => each[1] !== undefined);
    const where = ['realm_id = ?', ...given.map(([condition]) => condition)].join(' AND ');
    const values = given.map(([, value]) => value);
    const sql = `SELECT * FROM audit WHERE ${where} ORDER BY effect_id DESC LIMIT ?`;
    return (await reader.all(sql, realmId, ...values, limit)).map(rows.auditFromRow);
  },
  readUnsealed: readUnsealed(reader),
  readChainHead: async () => {
    const row = await reader.get('SELECT place, hash FROM audit_chain WHERE id = 1');
    return { place: Number(row?.['place']), hash: String(row?.['hash']) };
  },
  sealAudit: (expected, records) =>
    queue.call('sealAudit', {
      expected,
      // Messages are copied: no more than is needed.
      rows: records.map(({ effectId, address, userAgent, details, seal }) => ({
        ...{ effectId, address, userAgent, details, seal },
      })),
    }),
  readSealed: async (afterPlace, limit) =>
    (await reader.all('SELECT * FROM audit WHERE place > ? ORDER BY place LIMIT ?', afterPlace, limit)).map(
      rows.sealedFromRow,
    ),
  leaseSealing: (input) => queue.call('leaseSealing', input),
  appendCheckpoint: (checkpoint) => queue.call('appendCheckpoint', checkpoint),
  listCheckpoints: async ({ kind, afterPlace, limit }) => {
    const sql = 'SELECT * FROM audit_checkpoints WHERE kind = ? AND place > ? ORDER BY place LIMIT ?';
    return (await reader.all(sql, kind, afterPlace, limit)).map(rows.checkpointFromRow);
  },
  findCut: (input) => queue.call('findCut', input),
  cutAudit: (checkpoint) => queue.call('cutAudit', checkpoint),
});

const isOpen = 'place IS NULL AND delivered_at_ms IS NULL';

const readUnsealed =
  (reader: Reader): Audit['readUnsealed'] =>
  async (limit) =>
    (await reader.all(`SELECT * FROM audit WHERE ${isOpen} ORDER BY effect_id LIMIT ?`, limit)).map(rows.auditFromRow);

const auditSpool = ({ queue, reader }: Driver): AuditSpool => ({
  collectAudit: (records, from, chain) => queue.call('collectAudit', { records, from, chain }),
  readUnsealed: readUnsealed(reader),
  markDelivered: (effectIds) => queue.call('markDelivered', effectIds),
  removeDelivered: (input) => queue.call('removeDelivered', input),
  countWaiting: async (atMost) => {
    const row = await reader.get(
      `SELECT count(*) AS waiting, min(at_ms) AS oldest FROM
        (SELECT at_ms FROM audit WHERE ${isOpen} ORDER BY effect_id LIMIT ?)`,
      atMost,
    );
    const oldest = row?.['oldest'] ?? null;
    return { waiting: Number(row?.['waiting']), oldestAtMs: oldest === null ? undefined : Number(oldest) };
  },
});

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
