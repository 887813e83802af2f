/**
 * The PostgreSQL driver: serves every storage contract. Each verb is one statement, and so one transaction and one round trip; where a
 * verb has to read before it writes, a function of the schema does both. It asks the primary alone, waits for nothing longer than its
 * limits, and puts no address, password or row into an error.
 */
import type { Random } from '@sallyport/kit/random';
import type { Sealer } from '@sallyport/kit/seal';
import type { SchemaState, Storage } from '../contracts/storage.ts';
import { halfCopied, incompleteKey, sourceKey } from '../transfer/tables.ts';
import {
  type Connection,
  type ConnectOptions,
  openConnection,
  readable,
  type SqlRow,
  type SqlValue,
} from './connection.ts';
import type { Driver } from './driver.ts';
import { unavailable } from './failure.ts';
import { listen } from './listen.ts';
import { migrate, SchemaRefused } from './migrate.ts';
import { openPool, type Pool, statementLimitMs } from './pool.ts';
import type { PostgresTarget } from './target.ts';
import { accounts } from './verbs/accounts.ts';
import { audit, auditSpool } from './verbs/audit.ts';
import { canaries } from './verbs/canaries.ts';
import { counters, nonces } from './verbs/counters.ts';
import { credentials } from './verbs/credentials.ts';
import { devices } from './verbs/devices.ts';
import { effects } from './verbs/effects.ts';
import { housekeeping } from './verbs/housekeeping.ts';
import { keys } from './verbs/keys.ts';
import { outbox } from './verbs/outbox.ts';
import { recovery } from './verbs/recovery.ts';
import { companions, revocations } from './verbs/revocations.ts';
import { rootKeys } from './verbs/root-keys.ts';
import { sessions } from './verbs/sessions.ts';

export { parseTarget } from './target.ts';

export interface PostgresOptions {
  readonly target: PostgresTarget;
  /** Where LISTEN goes, when `target` is a pooler. */
  readonly listenTarget?: PostgresTarget;
  /** PEM of the authorities that may have signed the server's certificate. */
  readonly ca?: string;
  /** Lower-case letters, digits, `_`. Default `sallyport`. */
  readonly schema?: string;
  /** Connections for verbs, beside the one that listens. Default 10. */
  readonly poolSize?: number;
  readonly sealer: Sealer;
  /** How long a revocation entry lives: the longest access lifetime and the leeway. */
  readonly revocationLifetimeMs: number;
  readonly random: Pick<Random, 'bytes'>;
  /** INSECURE, for tests: shared memory with one BigInt64 of milliseconds that moves the store's clock. */
  readonly clockOffset?: SharedArrayBuffer;
}

/** The server cannot be used; the message may be shown. */
export class PostgresRefused extends Error {
  override readonly name = 'PostgresRefused';
}

/** Connects, brings the schema up to date, and serves. @throws PostgresRefused with a readable reason where it cannot */
export const openPostgres = async (options: PostgresOptions): Promise<Storage> => {
  try {
    return await open(options);
  } catch (error) {
    throw new PostgresRefused(error instanceof SchemaRefused ? error.message : readable(error));
  }
};

const open = async (options: PostgresOptions): Promise<Storage> => {
  const { schema: name = 'sallyport', poolSize = 10, target, random, clockOffset } = options;
  const schema = `"${name}"`;
  const way: Omit<ConnectOptions, 'onEnd' | 'onNotification'> = {
    target,
    ...(options.ca !== undefined && { ca: options.ca }),
    applicationName: 'sallyport',
    statementLimitMs,
    clockMayBeMoved: clockOffset !== undefined,
  };
  const state = await bringUpToDate({ ...way, statementLimitMs: 0 }, name, schema, random);
  const prepare = clockOffset && clockMover(clockOffset);
  const pool = await openPool({
    open: (onEnd) => openConnection({ ...way, onEnd }),
    size: poolSize,
    random,
    prepare,
  });
  const revocationNews = createNews();
  const outboxNews = createNews();
  const listenWay = { ...way, target: options.listenTarget ?? target };
  const channels = { [`${name}_revocations`]: revocationNews.tell, [`${name}_outbox`]: outboxNews.tell };
  const listener = await listen(listenWay, { schema, channels }, random).catch(async (error: unknown) => {
    await pool.close();
    throw error;
  });
  // Under the lock that the listener holds: no copy begins any more.
  await noteStart(pool, schema).catch(async (error: unknown) => {
    listener.stop();
    await pool.close();
    throw error;
  });
  const stats = { batches: 0, verbs: 0, pool: pool.stats };
  const atLeisure = runnerAtLeisure({ ...way, statementLimitMs: 0 }, prepare);
  const driver = driverOf(options, { pool, atLeisure, stats, wake: revocationNews.tell });
  return {
    accounts: accounts(driver),
    sessions: sessions(driver),
    devices: devices(driver),
    nonces: nonces(driver),
    lastingNonces: nonces(driver),
    counters: counters(driver),
    credentials: credentials(driver),
    keys: keys(driver),
    revocations: revocations(driver, revocationNews.hear),
    effects: effects(driver),
    audit: audit(driver),
    auditSpool: auditSpool(driver),
    outbox: outbox(driver, outboxNews.hear),
    canaries: canaries(driver),
    companions: companions(driver),
    housekeeping: housekeeping(driver),
    recovery: recovery(driver),
    rootKeys: rootKeys(driver),
    schema: state,
    stats,
    ping: async () => {
      await driver.read('SELECT 1 AS one');
    },
    close: async () => {
      listener.stop();
      await pool.close();
    },
  };
};

/** Who waits for something, and is told that it may be there. */
const createNews = () => {
  const wakes = new Set<() => void>();
  return {
    tell: (): void => {
      for (const each of wakes) each();
    },
    hear: (each: () => void) => {
      wakes.add(each);
      return () => void wakes.delete(each);
    },
  };
};

/** A store that was not copied to its end knows too little; and of one that is copied from, whoever goes on copying would miss what comes now. */
const noteStart = async (pool: Pool, schema: string): Promise<void> => {
  const sql = `WITH forgotten AS (DELETE FROM ${schema}.store_meta WHERE key = $1)
    SELECT 1 AS found FROM ${schema}.store_meta WHERE key = $2`;
  const found = await pool.run(sql, [sourceKey, incompleteKey], true);
  if (found.length > 0) throw new SchemaRefused(halfCopied);
};

const bringUpToDate = async (
  way: ConnectOptions,
  name: string,
  schema: string,
  random: Pick<Random, 'bytes'>,
): Promise<SchemaState> => {
  const connection = await openConnection(way);
  try {
    return await migrate({ connection, name, schema, random });
  } finally {
    connection.end();
  }
};

interface Counts {
  batches: number;
  verbs: number;
}

type Run = (sql: string, values: readonly SqlValue[]) => Promise<readonly SqlRow[]>;

/** A connection that hangs for ever would be worse than one that is given up. */
const leisureLimitMs = 6 * 3_600_000;

const runnerAtLeisure =
  (way: ConnectOptions, prepare: ((connection: Connection) => Promise<void>) | undefined): Run =>
  async (sql, values) => {
    const connection = await openConnection(way).catch((error: unknown) => {
      throw unavailable(error, false);
    });
    try {
      await prepare?.(connection);
      return await connection.run(sql, values, leisureLimitMs);
    } catch (error) {
      throw unavailable(error, true);
    } finally {
      connection.end();
    }
  };

interface DriverParts {
  readonly pool: Pool;
  readonly atLeisure: Run;
  readonly stats: Counts;
  readonly wake: () => void;
}

const driverOf = (options: PostgresOptions, { pool, atLeisure, stats, wake }: DriverParts): Driver => {
  const write: Driver['write'] = async (sql, ...values) => {
    const rows = await pool.run(sql, values, true);
    stats.batches += 1;
    stats.verbs += 1;
    return rows;
  };
  return {
    schema: `"${options.schema ?? 'sallyport'}"`,
    sealer: options.sealer,
    lifetimeMs: options.revocationLifetimeMs,
    read: (sql, ...values) => pool.run(sql, values, false),
    write,
    revoke: async (sql, ...values) => {
      const rows = await write(sql, ...values);
      wake();
      return rows;
    },
    revokeAtLeisure: async (sql, ...values) => {
      const rows = await atLeisure(sql, values);
      wake();
      return rows;
    },
  };
};

/** The clock of a connection is what its own setting says; it is told whenever a test has moved the clock. */
const clockMover = (clockOffset: SharedArrayBuffer): ((connection: Connection) => Promise<void>) => {
  const offset = new BigInt64Array(clockOffset);
  const told = new WeakMap<Connection, bigint>();
  return async (connection) => {
    const wanted = Atomics.load(offset, 0);
    if ((told.get(connection) ?? 0n) === wanted) return;
    await connection.run(`SELECT set_config('sallyport.clock_offset_ms', $1, false)`, [String(wanted)], 1000);
    told.set(connection, wanted);
  };
};
