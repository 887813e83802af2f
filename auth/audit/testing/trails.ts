/** Audit trails in real stores, with a hand in their tables: what somebody could do who has the database and not the root key. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { defaultRealm, type EpochMs } from '@sallyport/contract';
import { systemClock } from '@sallyport/kit/clock';
import { systemRandom } from '@sallyport/kit/random';
import { createSealer } from '@sallyport/kit/seal';
import type { Audit, AuditCheckpoint, AuditRecord } from '@sallyport/storage/contracts/audit';
import { openMySqlAudit, parseMySqlTarget } from '@sallyport/storage/mysql';
import { anyMySql } from '@sallyport/storage/mysql/testing';
import { inMySql } from '@sallyport/storage/mysql/testing/raw';
import { openPostgres, parseTarget } from '@sallyport/storage/postgres';
import { anyPostgres } from '@sallyport/storage/postgres/testing';
import { rawConnection } from '@sallyport/storage/postgres/testing/raw';
import { openSqlite } from '@sallyport/storage/sqlite';
import { type CheckpointKeys, createCheckpointKeys } from '../checkpoints.ts';
import { newBoot } from '../collector.ts';
import { createRecordMacs } from '../record-macs.ts';
import { startSealer } from '../sealer.ts';

export interface TrailUnderTest {
  readonly audit: Audit;
  /** Names of tables and columns, as this store has them. */
  readonly names: {
    readonly log: string;
    readonly address: string;
    readonly chain: string;
    readonly checkpoints: string;
  };
  /** One statement of somebody who has the database. */
  sql(text: string): Promise<void>;
  close(): Promise<void>;
}

const sealer = createSealer({ keys: [{ kid: '1', key: systemRandom.bytes(32) }], random: systemRandom });
const own = { log: 'audit', address: 'address', chain: 'audit_chain', checkpoints: 'audit_checkpoints' } as const;

const inSqlite = async (): Promise<TrailUnderTest> => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-audit-'));
  const file = join(folder, 'store.db');
  const storage = await openSqlite({ file, sealer, revocationLifetimeMs: 1000 });
  return {
    audit: storage.audit,
    names: own,
    sql: async (text) => {
      const database = new DatabaseSync(file, { timeout: 5000 });
      database.exec(text);
      database.close();
    },
    close: async () => {
      await storage.close();
      rmSync(folder, { recursive: true });
    },
  };
};

const inPostgres = async (): Promise<TrailUnderTest> => {
  const { url, schema, stop } = await anyPostgres();
  const target = parseTarget(url);
  const storage = await openPostgres({ target, schema, sealer, random: systemRandom, revocationLifetimeMs: 1000 });
  return {
    audit: storage.audit,
    names: own,
    sql: async (text) => {
      const raw = rawConnection(url, schema);
      await raw.run(text);
      await raw.close();
    },
    close: async () => {
      await storage.close();
      await stop();
    },
  };
};

const inMariaDb = async (): Promise<TrailUnderTest> => {
  const { url, stop } = await anyMySql();
  const { audit, prepare, close } = openMySqlAudit({ target: parseMySqlTarget(url) });
  await prepare();
  return {
    audit,
    names: {
      log: 'audit_logs',
      address: 'ip_address',
      chain: 'audit_log_chain',
      checkpoints: 'audit_log_checkpoints',
    },
    sql: async (text) => {
      await inMySql(url, text);
    },
    close: async () => {
      await close();
      await stop();
    },
  };
};

export const trails = { SQLite: inSqlite, PostgreSQL: inPostgres, MariaDB: inMariaDb } as const;

const rootKey = { kid: '1', key: systemRandom.bytes(32) };
export const testKeys: CheckpointKeys = createCheckpointKeys([rootKey]);

export const testMacs = createRecordMacs([rootKey]);

export const newRecords = (count: number, fields: Partial<AuditRecord> = {}): readonly AuditRecord[] => {
  const from = newBoot('node-1', systemRandom);
  return Array.from({ length: count }, (_, index) => {
    const atMs = Date.now() as EpochMs;
    return testMacs.stamp({
      effectId: systemRandom.uuidv7(atMs),
      realmId: defaultRealm,
      eventType: 'login_failed',
      actor: 'user',
      userId: systemRandom.uuidv7(atMs),
      address: '192.0.2.7',
      userAgent: 'suite/1',
      requestId: 'r',
      details: '{"reason":"password","email":"ada@example.org"}',
      atMs,
      origin: { ...from, number: index + 1 },
      ...fields,
    });
  });
};

/** Seals what is there; returns the second copy of the checkpoints. */
export const sealAll = async (audit: Audit, clock = systemClock()): Promise<readonly AuditCheckpoint[]> => {
  const copies: AuditCheckpoint[] = [];
  const errors: unknown[] = [];
  const running = startSealer({
    audit,
    keys: testKeys,
    clock,
    random: systemRandom,
    holder: 'test',
    intervalMs: 5,
    checkpointMs: 0,
    copyCheckpoint: async (checkpoint) => void copies.push(checkpoint),
    onError: (error) => errors.push(error),
  });
  while ((await audit.readUnsealed(1)).length > 0 && errors.length < 100)
    await new Promise((next) => setTimeout(next, 5));
  await running.stop();
  if (errors.length > 0) throw errors[0];
  return copies;
};
