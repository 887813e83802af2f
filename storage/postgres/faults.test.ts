/** Whatever happens to PostgreSQL, a verb answers within two seconds, nothing is a verdict, and all is well again by itself. */
import { once } from 'node:events';
import { mkdtempSync, rmdirSync, statSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { UserId } from '@sallyport/contract';
import { systemRandom } from '@sallyport/kit/random';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { context, newId, newSession, times } from '../conformance/make.ts';
import type { Storage } from '../contracts/storage.ts';
import type { StoreUnavailable } from '../contracts/store.ts';
import { maySmallDisksNotBeMounted, mountSmallDisk } from '../testing/small-disk.ts';
import { openTestStore } from './testing/open-test-store.ts';
import { isPostgresMissing, type PostgresServer, startPostgres } from './testing/start-postgres.ts';

const answerLimitMs = 2000;
const returnLimitMs = 5000;

/** The rejection, and how long it took. */
const refusalOf = async (work: () => Promise<unknown>) => {
  const started = performance.now();
  const error = await work().then(
    () => undefined,
    (thrown: unknown) => thrown as StoreUnavailable,
  );
  return { error, tookMs: performance.now() - started };
};

const backAgain = async (storage: Storage): Promise<void> => {
  const started = performance.now();
  while ((await refusalOf(() => storage.ping())).error !== undefined) {
    if (performance.now() - started > returnLimitMs) throw new Error('not back in time');
    await sleep(20);
  }
};

describe.skipIf(isPostgresMissing())('a PostgreSQL', () => {
  let server: PostgresServer;
  let storage: Storage;
  let admin: postgres.Sql;
  const opened: Storage[] = [];
  const open = async (...args: Parameters<typeof openTestStore>) => {
    const store = await openTestStore(...args);
    opened.push(store);
    return store;
  };
  const superuser = () => postgres(server.url, { max: 1, onnotice: () => undefined });

  beforeAll(async () => {
    server = await startPostgres({ max_connections: '30', fsync: 'on' });
    storage = await openTestStore(server.url, { poolSize: 4 });
    admin = superuser();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()));
  });
  afterAll(async () => {
    await admin.end({ timeout: 1 });
    await storage.close();
    await server.stop();
  });

  const start = async () => {
    const session = newSession(newId<UserId>());
    await storage.sessions.createSession(session);
    return session;
  };
  const rotate = (sessionId: Awaited<ReturnType<typeof start>>['id'], rotationId = systemRandom.bytes(16)) =>
    storage.sessions.rotateSession({
      sessionId,
      expectedGeneration: 0,
      newGeneration: 1,
      keyId: 1,
      tokenHash: systemRandom.bytes(32),
      hashKeyId: '',
      rotationId,
      idleTtlMs: 3_600_000,
      context,
    });

  it('that crashes under load and comes back: in time, of unknown outcome, nothing acknowledged lost', async () => {
    const sessions = await times(40, start);
    const rotations = sessions.map(async ({ id }) => ({ id, refusal: await refusalOf(() => rotate(id)) }));
    await rotations[0];
    await server.kill();
    const done = await Promise.all(rotations);
    const late = await refusalOf(() => storage.ping());
    expect(late.error).toMatchObject({ name: 'StoreUnavailable', outcomeUnknown: false });
    expect(late.tookMs).toBeLessThan(answerLimitMs);
    await server.restart();
    await backAgain(storage);
    for (const { id, refusal } of done) {
      expect(refusal.tookMs).toBeLessThan(answerLimitMs);
      const generation = (await storage.sessions.findSession(id)).value?.generation;
      if (refusal.error === undefined) expect(generation).toBe(1);
      else expect(refusal.error.name).toBe('StoreUnavailable');
      if (refusal.error?.outcomeUnknown === false) expect(generation).toBe(0);
    }
    expect((await rotate((await start()).id)).value.won).toBe(true);
  });

  it('that hangs: in time, a write of unknown outcome; at once while it is known to hang; back by itself', async () => {
    const { id } = await start();
    const own = systemRandom.bytes(16);
    server.freeze();
    const first = await Promise.all([
      refusalOf(() => rotate(id, own)),
      refusalOf(() => storage.sessions.findSession(id)),
    ]);
    expect(first.map(({ error }) => error?.outcomeUnknown)).toEqual([true, false]);
    const many = await times(50, () => refusalOf(() => storage.ping()));
    server.thaw();
    for (const { error, tookMs } of [...first, ...many]) {
      expect(error?.name).toBe('StoreUnavailable');
      expect(tookMs).toBeLessThan(answerLimitMs);
    }
    await backAgain(storage);
    // What was asked before the hang may well have been done after it.
    const settled = await storage.sessions.settleRotation({ sessionId: id, rotationId: own });
    expect((await storage.sessions.findSession(id)).value?.generation).toBe(settled ? 1 : 0);
  });

  it('tells how its connections are used, and who waits for one', async () => {
    const { pool } = storage.stats;
    const ids = await times(6, async () => (await start()).id);
    const list = ids.map((id) => `'${id}'`).join();
    await admin.unsafe(`BEGIN; SELECT 1 FROM sallyport.sessions WHERE id IN (${list}) FOR UPDATE`);
    const rotations = ids.map((id) => refusalOf(() => rotate(id)));
    await expect.poll(() => [pool?.inUse, pool?.idle, pool?.waiting], { interval: 1 }).toEqual([4, 0, 2]);
    await admin.unsafe('ROLLBACK');
    await Promise.all(rotations);
    expect(pool).toMatchObject({ size: 4, inUse: 0, waiting: 0 });
  });

  it('whose row is locked by another: in time, with a certain outcome', async () => {
    const { id } = await start();
    await admin.unsafe(`BEGIN; SELECT 1 FROM sallyport.sessions WHERE id = '${id}' FOR UPDATE`);
    const { error, tookMs } = await refusalOf(() => rotate(id));
    await admin.unsafe('ROLLBACK');
    expect(error).toMatchObject({ name: 'StoreUnavailable', outcomeUnknown: false });
    expect(tookMs).toBeLessThan(answerLimitMs);
    expect((await rotate(id)).value.won).toBe(true);
  });

  it('whose connections are all at work: whoever waits for one too long is refused, and nothing of it is done', async () => {
    const locked = await times(4, start);
    const { id } = await start();
    await admin.unsafe('BEGIN; LOCK TABLE sallyport.sessions IN EXCLUSIVE MODE');
    const held = locked.map((session) => refusalOf(() => rotate(session.id)));
    const { error, tookMs } = await refusalOf(() => rotate(id));
    await admin.unsafe('ROLLBACK');
    await Promise.all(held);
    expect(error).toMatchObject({ name: 'StoreUnavailable', outcomeUnknown: false });
    expect(String(error?.cause)).toContain('all 4 connections were busy');
    expect(tookMs).toBeLessThan(answerLimitMs);
    expect((await rotate(id)).value.won).toBe(true);
  });

  it('that ends connections by itself, or has none left: nothing is noticed, or it is refused in time', async () => {
    await admin.unsafe("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sallyport'");
    await backAgain(storage);
    const [{ free } = { free: 0 }] = await admin.unsafe(
      "SELECT 26 - count(*)::integer AS free FROM pg_stat_activity WHERE backend_type = 'client backend'",
    );
    const hogs = Array.from({ length: Number(free) + 4 }, superuser);
    const taken = await Promise.allSettled(hogs.map((hog) => hog.unsafe('SELECT 1')));
    expect(taken.some(({ status }) => status === 'fulfilled')).toBe(true);
    const all = await times(20, () => refusalOf(() => storage.ping()));
    for (const { tookMs } of all) expect(tookMs).toBeLessThan(answerLimitMs);
    await expect(openTestStore(server.url)).rejects.toThrow(/^PostgreSQL answered 53300/);
    await Promise.all(hogs.map((hog) => hog.end({ timeout: 1 })));
    await backAgain(storage);
  });

  it('that has become a replica: refused in time, and never asked for a decision', async () => {
    await start();
    await admin.unsafe('ALTER SYSTEM SET default_transaction_read_only = on');
    await admin.unsafe('SELECT pg_reload_conf()');
    await expect.poll(async () => (await refusalOf(start)).error?.name).toBe('StoreUnavailable');
    await expect(openTestStore(server.url)).rejects.toThrow('this PostgreSQL is a replica, or read-only');
    await admin.unsafe('SET default_transaction_read_only = off');
    await admin.unsafe('ALTER SYSTEM RESET default_transaction_read_only');
    await admin.unsafe('SELECT pg_reload_conf()');
    await backAgain(storage);
    // Another one: the first may have been rotated before the server read its new setting.
    expect((await rotate((await start()).id)).value.won).toBe(true);
  });

  it('whose clock somebody moves is refused, except by a test that says so', async () => {
    await admin.unsafe("CREATE ROLE moved LOGIN SUPERUSER; ALTER ROLE moved SET sallyport.clock_offset_ms = '60000'");
    const url = server.url.replace('sallyport@', 'moved@');
    await expect(openTestStore(url)).rejects.toThrow(/^sallyport\.clock_offset_ms is set for this role or database/);
    await open(url, { clockOffset: new SharedArrayBuffer(8) });
  });

  it('that would forget what it has answered is refused; one that isolates more than is asked for is told', async () => {
    await admin.unsafe('CREATE ROLE hasty LOGIN SUPERUSER; ALTER ROLE hasty SET synchronous_commit = off');
    await expect(openTestStore(server.url.replace('sallyport@', 'hasty@'))).rejects.toThrow(
      /^synchronous_commit is off/,
    );
    await admin.unsafe(
      "CREATE ROLE strict LOGIN SUPERUSER; ALTER ROLE strict SET default_transaction_isolation = 'serializable'",
    );
    await open(server.url.replace('sallyport@', 'strict@'));
  });

  it.skipIf(maySmallDisksNotBeMounted())(
    'whose disk is full: refused with a certain outcome, reads go on, and all is well when there is room',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'sallyport-disk-'));
      const [{ data_directory: data } = { data_directory: '' }] = await admin.unsafe('SHOW data_directory');
      const disk = mountSmallDisk(folder, 2, statSync(String(data)));
      onTestFinished(() => {
        disk.unmount();
        rmdirSync(folder);
      });
      await admin.unsafe(`CREATE TABLESPACE small LOCATION '${folder}'`);
      await admin.unsafe('ALTER TABLE sallyport.effects SET TABLESPACE small');
      const first = await start();
      disk.fill();
      const refusals = await times(300, () => refusalOf(start));
      const errors = refusals.map(({ error }) => error).filter((error) => error !== undefined);
      expect(errors.length).toBeGreaterThan(0);
      for (const error of errors) {
        expect(error).toMatchObject({ name: 'StoreUnavailable', outcomeUnknown: false });
        expect(String(error.cause)).toMatch(/53100.*No space left on device/);
      }
      expect((await storage.sessions.findSession(first.id)).value?.generation).toBe(0);
      disk.free();
      expect((await rotate((await start()).id)).value.won).toBe(true);
      await admin.unsafe('ALTER TABLE sallyport.effects SET TABLESPACE pg_default');
      await admin.unsafe('DROP TABLESPACE small');
    },
  );

  it('that is none: a port where nobody answers, or hangs up, or where nobody listens', async () => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => void sockets.add(socket)).listen(0, '127.0.0.1');
    const rude = createServer((socket) => void socket.end()).listen(0, '127.0.0.1');
    await Promise.all([once(silent, 'listening'), once(rude, 'listening')]);
    const portOf = (listening: typeof silent) => (listening.address() as AddressInfo).port;
    const urls = [portOf(silent), portOf(rude), 1].map((port) => `postgres://auth:planted-secret@127.0.0.1:${port}/db`);
    for (const url of urls) {
      const { error, tookMs } = await refusalOf(() => openTestStore(url));
      expect(error?.name).toBe('PostgresRefused');
      expect(error?.message).toMatch(/no (connection|answer)/);
      expect(`${error?.stack} ${String(error?.cause)}`).not.toMatch(/planted-secret|127\.0\.0\.1/);
      expect(tookMs).toBeLessThan(answerLimitMs);
    }
    for (const socket of sockets) socket.destroy();
    silent.close();
    rude.close();
  });

  it('of several: the one that takes writes is found', async () => {
    const port = new URL(server.url).port;
    const store = await open(`postgres://sallyport@127.0.0.1:1,127.0.0.1:${port}/postgres`);
    await store.ping();
  });
});
