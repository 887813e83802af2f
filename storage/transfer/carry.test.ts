import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type DeviceId, defaultRealm, type EpochMs, type SessionId } from '@sallyport/contract';
import { systemRandom } from '@sallyport/kit/random';
import { createSealer } from '@sallyport/kit/seal';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { context, newId, newSession, newUser } from '../conformance/make.ts';
import type { Storage } from '../contracts/storage.ts';
import { type Transfer, type TransferRow, type TransferTable, transferTables } from '../contracts/transfer.ts';
import { parseTarget } from '../postgres/target.ts';
import { openTestStore } from '../postgres/testing/open-test-store.ts';
import { rawConnection } from '../postgres/testing/raw-connection.ts';
import { anyPostgres, isAnyPostgresMissing, type PostgresDatabase } from '../postgres/testing/start-postgres.ts';
import { openPostgresTransfer } from '../postgres/transfer.ts';
import { openRedisStore } from '../redis/index.ts';
import { isRedisMissing, startRedis } from '../redis/testing/index.ts';
import { openRedisTransfer } from '../redis/transfer.ts';
import { openSqlite } from '../sqlite/index.ts';
import { openSqliteTransfer } from '../sqlite/transfer.ts';
import { copyStore, moveSessions } from './copy-store.ts';
import { tableShapes } from './tables.ts';

const sealer = createSealer({ keys: [{ kid: '1', key: systemRandom.bytes(32) }], random: systemRandom });
const folder = mkdtempSync(join(tmpdir(), 'sallyport-carry-'));
const fileOf = (name: string): string => join(folder, `${name}.db`);
const openFile = (name: string): Promise<Storage> =>
  openSqlite({ file: fileOf(name), sealer, revocationLifetimeMs: 960_000, lockTimeoutMs: 100 });
const carryFile = (name: string, create = true): Promise<Transfer> =>
  openSqliteTransfer({ file: fileOf(name), create });

afterAll(() => rmSync(folder, { recursive: true }));

const plenty = { maxPerUser: 0, pendingMs: 60_000 };
const attempt = { realmId: defaultRealm, purpose: 'login', subject: 'somebody', limit: 5, windowMs: 60_000 };
const gates = [{ ...attempt, lock: { after: 3, firstMs: 1000, longestMs: 9000 } }];

/** Something in every table and every column that can be left out. */
const fill = async ({
  accounts,
  sessions,
  devices,
  keys,
  nonces,
  counters,
  credentials,
  audit,
  outbox,
  ...store
}: Storage) => {
  const user = newUser({
    phoneNumber: '+43 1 234',
    username: 'Ädá "q" \\ \n',
    usernameKey: 'ada',
    roles: ['a b', 'c'],
  });
  const gone = newUser({ permissions: ['x:y'] });
  for (const each of [user, gone]) await accounts.createUser(each, context);
  await accounts.deleteUser(gone.id, context);
  const device = newId<DeviceId>();
  const shape = { realmId: defaultRealm, userId: user.id, curve: 'P-256', proofRequired: true } as const;
  const keys32 = () => ({ deviceKey: systemRandom.bytes(32), challenge: systemRandom.bytes(32) });
  await devices.createDevice({ ...shape, id: device, name: 'phone', proofKeyThumbprint: 'thumb', ...keys32() }, plenty);
  await devices.confirmDevice({ deviceId: device, withinMs: 60_000, context });
  await devices.changeDevice({ deviceId: device, userId: user.id, trustedForMs: 60_000 });
  await devices.noteDeviceSeen(device, { address: '192.0.2.1', userAgent: 'a phone' });
  await devices.createDevice({ ...shape, id: newId<DeviceId>(), ...keys32() }, plenty);
  const login = newSession(user.id, {
    deviceId: device,
    scope: 'read',
    acr: '1',
    label: 'Ünïcode',
    proofRequired: true,
  });
  const ended = newSession(user.id);
  for (const each of [login, ended]) await sessions.createSession(each);
  const rotation = { sessionId: login.id, keyId: 2, hashKeyId: 'h', idleTtlMs: 1000, context };
  const drawn = () => ({ tokenHash: systemRandom.bytes(32), rotationId: systemRandom.bytes(16) });
  await sessions.rotateSession({
    ...rotation,
    ...drawn(),
    expectedGeneration: 0,
    newGeneration: 1,
    attempt: systemRandom.bytes(32),
  });
  for (let loser = 0; loser < 2; loser += 1) {
    const own = { sessionId: login.id, generation: 1, attempt: systemRandom.bytes(32), overlapMs: 10_000 };
    await sessions.recordLoserAttempt(own);
  }
  await sessions.endSession({ sessionId: ended.id, cause: 'logout', context });
  const away = { sessionId: newId<SessionId>(), realmId: defaultRealm, cause: 'reused' } as const;
  await store.revocations.recordSessionEnds([{ ...away, keepUntilMs: (Date.now() + 1e6) as EpochMs }], context);
  const at = Date.now() as EpochMs;
  const key = {
    kid: 'k1',
    realmId: defaultRealm,
    algorithm: 'ES256',
    publicJwk: '{"kty": "EC"}',
    state: 'current',
  } as const;
  await keys.ensureCurrentKey({ ...key, sealedPrivateKey: sealer.seal('pem', places('k1')) }, context);
  const credential = { realmId: defaultRealm, name: 'billing', scopes: ['users:read', 'keys:write'] } as const;
  const secretHash = systemRandom.bytes(32);
  await credentials.createCredential({ ...credential, id: 'sp_0123456789ab', secretHash, ttlMs: 1e6 }, context);
  await credentials.noteCredentialUse(defaultRealm, 'sp_0123456789ab');
  await credentials.createCredential({ ...credential, id: 'sp_ba9876543210', name: 'past', secretHash }, context);
  await credentials.revokeCredential({ realmId: defaultRealm, id: 'sp_ba9876543210', context });
  const nonce = { realmId: defaultRealm, purpose: 'p', madeAtMs: at, expiresAtMs: (at + 1e6) as EpochMs };
  for (const each of ['b', 'a', 'C']) await nonces.consumeNonce({ ...nonce, nonce: each });
  await counters.countAttempt(attempt);
  await counters.reserveAttempt({ realmId: defaultRealm, attemptId: 'one', gates, leaseMs: 60_000 });
  const trace = { realmId: defaultRealm, atMs: at } as const;
  const effectIds = Array.from({ length: 3 }, () => newId<string>());
  await audit.appendAudit(
    effectIds.map((effectId) => ({ ...trace, effectId, eventType: 'T', actor: 'user', requestId: 'r', details: '{}' })),
  );
  const head = await audit.readChainHead();
  const [oldest] = await audit.readUnsealed(1);
  if (oldest === undefined) throw new Error('nothing to seal');
  const seal = { place: head.place + 1, hash: 'a'.repeat(64), personHash: 'b'.repeat(64), personSalt: 'c'.repeat(32) };
  await audit.sealAudit(head, [{ ...oldest, seal }]);
  const checkpoint = {
    kind: 'head',
    place: seal.place,
    hash: seal.hash,
    atMs: at,
    keyId: '1',
    signature: 's',
  } as const;
  await audit.appendCheckpoint(checkpoint);
  await outbox.appendEvents(
    effectIds.map((effectId) => ({ ...trace, effectId, type: 'T', version: 1, key: user.id, data: '{"a": 1}' })),
  );
  const [retried = '', published = '', lost = ''] = effectIds;
  const [lease = { partition: 0, fence: 0 }] = await outbox.claimPartitions({
    ...{ holder: 'h', partitions: [0], leaseMs: 1000 },
  });
  await outbox.settleEvents({
    ...{ lease, holder: 'h', published: [published], release: true },
    retries: [{ effectId: retried, reason: 'status_400', retryInMs: 1000 }],
    dead: [{ effectId: lost, reason: 'too_large' }],
  });
  await store.companions.noteIncarnation('redis', 'of-a-test');
  return { login, user, ended, nonce };
};

const places = (kid: string) => ({ table: 'signing_keys', column: 'private_key_sealed', row: kid });

const contents = async (store: Transfer): Promise<Record<TransferTable, readonly TransferRow[]>> => {
  const all: Partial<Record<TransferTable, readonly TransferRow[]>> = {};
  for (const table of transferTables)
    all[table] = (await store.exportRows({ table, after: undefined, limit: 10_000 })).rows;
  return all as Record<TransferTable, readonly TransferRow[]>;
};

const copy = async (source: Transfer, target: Transfer, onProgress: () => void = () => undefined) => {
  try {
    return await copyStore({ source, target, random: systemRandom, onProgress });
  } finally {
    await Promise.all([source.close(), target.close()]);
  }
};

/** In the order of ids, whatever a store's own order of texts is. */
const sorted = (rows: readonly TransferRow[]) => rows.map((row) => JSON.stringify(row)).sort();

describe.skipIf(isAnyPostgresMissing())('a store that is carried to PostgreSQL and back', () => {
  let postgres: PostgresDatabase;
  beforeAll(async () => {
    postgres = await anyPostgres();
  });
  afterAll(() => postgres.stop());
  const carryPostgres = (create = true) => {
    const { url, schema } = postgres;
    return openPostgresTransfer({ target: parseTarget(url), schema, create, random: systemRandom });
  };

  it('is the same store, but for its incarnation', { timeout: 20_000 }, async () => {
    const first = await openFile('first');
    const { login, user, ended, nonce } = await fill(first);
    const incarnations = [await first.revocations.storeIncarnation()];
    const effects = (await first.effects.readEffects(1000)).map(({ position: _, ...effect }) => effect);
    const revoked = await first.revocations.lastRevocationPosition();
    await expect(carryFile('first')).rejects.toThrow('is in use');
    await first.close();
    const source = await carryFile('first', false);
    expect(() => new DatabaseSync(fileOf('first')).exec('SELECT * FROM users')).toThrow('locked');
    const before = await contents(source);
    for (const table of transferTables) expect(before[table], table).not.toHaveLength(0);

    const report = await copy(source, await carryPostgres());
    expect(report).toMatchObject({ resumed: false, tables: { users: 2, sessions: 2, effects: before.effects.length } });
    const middle = await carryPostgres(false);
    const between = await contents(middle);
    for (const table of transferTables) expect(sorted(between[table]), table).toEqual(sorted(before[table]));
    for (const table of ['effects', 'revocations', 'outbox'] as const)
      expect(between[table], table).toEqual(before[table]);
    await expect(openTestStore(postgres.url, { schema: postgres.schema })).rejects.toThrow('is being copied');
    await middle.close();

    // What was written there reads as it was, and goes on where it stood.
    const second = await openTestStore(postgres.url, { schema: postgres.schema, sealer });
    await expect(carryPostgres()).rejects.toThrow('is in use');
    incarnations.push(await second.revocations.storeIncarnation());
    expect((await second.effects.readEffects(1000)).map(({ position: _, ...effect }) => effect)).toEqual(effects);
    const { value: session } = await second.sessions.findSession(login.id);
    expect(session).toMatchObject({ generation: 1, keyId: 2, loserAttempts: [{ length: 32 }, { length: 32 }] });
    expect(session?.origin()).toEqual(login.origin);
    expect((await second.accounts.findUser(user.id))?.phoneNumber).toBe('+43 1 234');
    expect((await second.sessions.findSession(ended.id)).value?.revokedCause).toBe('logout');
    expect(await second.nonces.consumeNonce({ ...nonce, nonce: 'C' })).toBe(false);
    expect((await second.counters.countAttempt(attempt)).remaining).toBe(3);
    expect(await second.revocations.lastRevocationPosition()).toBe(revoked);
    await second.sessions.endSession({ sessionId: login.id, cause: 'logout', context });
    expect(await second.revocations.lastRevocationPosition()).toBe(revoked + 1);
    await second.close();

    const back = await carryPostgres(false);
    const after = await contents(back);
    await copy(back, await carryFile('third'));
    const third = await carryFile('third', false);
    const last = await contents(third);
    await third.close();
    for (const table of transferTables) expect(sorted(last[table]), table).toEqual(sorted(after[table]));
    const opened = await openFile('third');
    incarnations.push(await opened.revocations.storeIncarnation());
    expect((await opened.effects.readEffects(1000)).map(({ id }) => id)).toEqual(after.effects.map(({ id }) => id));
    await opened.close();
    expect(new Set(incarnations).size).toBe(3);
  });

  it('leaves no column and no table of either schema behind', async () => {
    const database = new DatabaseSync(fileOf('first'), { readOnly: true });
    const inFile = database
      .prepare(
        "SELECT m.name AS table_name, c.name AS column_name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'",
      )
      .all();
    database.close();
    const look = rawConnection(postgres.url, postgres.schema);
    const { rows: inSchema } = await look.run(
      'SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = $1',
      [postgres.schema],
    );
    await look.close();
    const own = new Set(['schema_versions', 'store_meta', 'sqlite_sequence', 'effects_trimmed', 'outbox_leases']);
    for (const list of ['revocation', 'outbox']) own.add(`${list}_head`);
    const carried = new Set(
      Object.values(tableShapes).flatMap(({ name, columns }) =>
        Object.keys(columns).map((column) => `${name}.${column}`),
      ),
    );
    for (const place of ['position', 'xid', 'seq']) carried.add(`effects.${place}`);
    // Whoever sealed there seals no more.
    for (const lease of ['lease_holder', 'lease_until_ms']) carried.add(`audit_chain.${lease}`);
    // Made of the key by either schema itself.
    carried.add('outbox.partition');
    const left = [...inFile, ...inSchema]
      .filter(({ table_name: table }) => !own.has(String(table)))
      .map(({ table_name: table, column_name: column }) => `${String(table)}.${String(column)}`)
      .filter((column) => !carried.has(column));
    expect(left).toEqual([]);
  });

  it('that is copied onto another one is refused', async () => {
    await expect(copy(await carryFile('third'), await carryPostgres())).rejects.toThrow('holds users already');
    await expect(carryFile('nowhere', false)).rejects.toThrow('is not there');
  });
});

describe.skipIf(isRedisMissing())('sessions that are carried to Redis', () => {
  it('are the same sessions, and stand in the lists of their users', async () => {
    const redis = await startRedis();
    const store = await openFile('with-sessions');
    const { login, ended, user } = await fill(store);
    const ids = [login.id, ended.id];
    const before = await Promise.all(ids.map(async (id) => (await store.sessions.findSession(id)).value));
    await store.close();
    const sessions = await openRedisTransfer({ url: redis.url, random: systemRandom });
    const early = await carryFile('with-sessions', false);
    const moved = moveSessions({ source: early, sessions, onProgress: () => undefined });
    await expect(moved).rejects.toThrow('too old to be moved');
    await early.close();
    const file = new DatabaseSync(fileOf('with-sessions'));
    file.exec("DELETE FROM store_meta WHERE key LIKE 'companion:%'");
    file.close();
    const source = await carryFile('with-sessions', false);
    await expect(
      moveSessions({ source, sessions, onProgress: ({ copied }) => expect(copied).toBe(0) }),
    ).rejects.toThrow();
    await expect(openRedisStore({ url: redis.url, sealer, random: systemRandom })).rejects.toThrow(
      'not come to its end',
    );
    expect(await moveSessions({ source, sessions, onProgress: () => undefined })).toBe(2);
    await source.close();
    sessions.close();

    const opened = await openRedisStore({ url: redis.url, sealer, random: systemRandom });
    const after = await Promise.all(ids.map(async (id) => (await opened.sessions.findSession(id)).value));
    const hex = (value: unknown): unknown => {
      if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
      return Array.isArray(value) ? value.map(hex) : value;
    };
    const plain = (found: typeof before) =>
      found.map((session) =>
        Object.fromEntries(
          Object.entries(session ?? {})
            .filter(([name]) => name !== 'origin')
            .map(([name, value]) => [name, hex(value)]),
        ),
      );
    expect(plain(after)).toEqual(plain(before));
    expect(after[0]?.origin()).toEqual(login.origin);
    expect(await opened.sessions.sessionsOfUser(user.id, 'logout')).toMatchObject([{ sessionId: login.id }]);
    opened.close();
    await redis.stop();
  });
});

describe('a copy that was cut off', () => {
  const seeded = async (name: string): Promise<void> => {
    const store = await openFile(name);
    const users = Array.from({ length: 30 }, () => newUser());
    await Promise.all(users.map((user) => store.accounts.createUser(user, context)));
    await Promise.all(users.map(({ id }) => store.sessions.createSession(newSession(id))));
    await store.close();
  };
  const cutOff = async (name: string, target: string, after: number): Promise<void> => {
    let steps = 0;
    const stop = () => {
      steps += 1;
      if (steps > after) throw new Error('cut off');
    };
    await expect(copy(await carryFile(name), await carryFile(target), stop)).rejects.toThrow('cut off');
  };

  it('lets no server start on its target, goes on where it stood, and ends whole', async () => {
    await seeded('source');
    for (const after of [1, 2, 3]) await cutOff('source', 'target', after);
    await expect(openFile('target')).rejects.toThrow('has not come to its end');
    const report = await copy(await carryFile('source'), await carryFile('target'));
    expect(report).toMatchObject({ resumed: true, tables: { users: 30, sessions: 30, effects: 60 } });
    await (await openFile('target')).close();
  });

  it('does not go on once a server has worked on its source, or from another source', async () => {
    await seeded('worked-on');
    await cutOff('worked-on', 'stale', 9);
    await expect(copy(await carryFile('source'), await carryFile('stale'))).rejects.toThrow('begun from another store');
    await expect(copy(await carryFile('stale'), await carryFile('third-hand'))).rejects.toThrow('is itself the target');
    await (await openFile('worked-on')).close();
    await expect(copy(await carryFile('worked-on'), await carryFile('stale'))).rejects.toThrow(
      'has worked on the source',
    );
  });
});
