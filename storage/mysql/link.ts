/**
 * One connection, made when it is needed and used by one step at a time. The library has a limit for connecting and none for an answer:
 * here everything has one, and what was late ends the connection, so that no answer is ever taken for another's.
 */
import { type Connection, createConnection, type ExecuteValues } from 'mysql2/promise';
import { StoreUnavailable } from '../contracts/store.ts';
import type { MySqlTarget } from './target.ts';

export type MySqlRow = Readonly<Record<string, unknown>>;
export type MySqlValue = string | number | null;

/** What a step works with. */
export interface Speaker {
  /** Prepared, and kept: texts that vary with their values would fill the server's memory. */
  rows(sql: string, values?: readonly MySqlValue[]): Promise<readonly MySqlRow[]>;
  /** Returns how many rows were inserted, changed or removed. */
  write(sql: string, values?: readonly MySqlValue[]): Promise<number>;
  /** Without values, as text: what cannot be prepared. */
  command(sql: string): Promise<void>;
}

export interface Link {
  /** Rejects with StoreUnavailable where no answer has come in time, or the server refuses. */
  run<T>(step: (speaker: Speaker) => Promise<T>, limitMs?: number): Promise<T>;
  /** The same in a transaction, which is rolled back where the step throws. */
  transact<T>(step: (speaker: Speaker) => Promise<T>, limitMs?: number): Promise<T>;
  close(): Promise<void>;
}

export interface LinkOptions {
  readonly target: MySqlTarget;
  /** PEM of the authorities that may have signed the server's certificate; without it, those that Node knows. */
  readonly ca?: string;
}

const connectLimitMs = 2000;
const defaultLimitMs = 3000;
/** A dead server is not asked anew by everybody who wants something of it. */
const pauseAfterFailureMs = 250;
const maxWaiting = 1000;

export const openLink = (options: LinkOptions): Link => {
  let connection: Connection | undefined;
  let lastFailure = { atMs: Number.NEGATIVE_INFINITY, error: new Error('not connected yet') };
  let queue: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  let closed = false;

  const drop = (): void => {
    connection?.destroy();
    connection = undefined;
  };

  const ready = async (): Promise<Connection> => {
    if (closed) throw new StoreUnavailable('closed');
    if (connection !== undefined) return connection;
    if (performance.now() - lastFailure.atMs < pauseAfterFailureMs) throw new StoreUnavailable(lastFailure.error);
    const made = await connect(options);
    // Without a listener a connection that breaks while nobody uses it would end the process.
    made.on('error', () => {
      if (connection === made) drop();
    });
    connection = made;
    return made;
  };

  const perform = async <T>(step: (speaker: Speaker) => Promise<T>, limitMs: number): Promise<T> => {
    let asked = false;
    try {
      const speaker = speakerOf(await ready());
      asked = true;
      return await within(step(speaker), limitMs);
    } catch (error) {
      // What a step throws of its own is its caller's business.
      if (error instanceof StoreUnavailable || !isOfTheLibrary(error)) throw error;
      if (isAnswer(error)) throw new StoreUnavailable(described(error), false);
      drop();
      lastFailure = { atMs: performance.now(), error: described(error) };
      throw new StoreUnavailable(lastFailure.error, asked);
    }
  };

  const run: Link['run'] = (step, limitMs = defaultLimitMs) => {
    if (waiting >= maxWaiting) return Promise.reject(new StoreUnavailable(`${maxWaiting} steps are waiting`));
    waiting += 1;
    const done = queue
      .then(() => perform(step, limitMs))
      .finally(() => {
        waiting -= 1;
      });
    queue = done.catch(() => undefined);
    return done;
  };

  return {
    run,
    transact: (step, limitMs) =>
      run(async (speaker) => {
        await speaker.command('START TRANSACTION');
        try {
          const result = await step(speaker);
          await speaker.command('COMMIT');
          return result;
        } catch (error) {
          if (isAnswer(error) || !isOfTheLibrary(error)) await speaker.command('ROLLBACK');
          throw error;
        }
      }, limitMs),
    close: async () => {
      closed = true;
      await Promise.race([queue, new Promise((resolve) => setTimeout(resolve, connectLimitMs).unref())]);
      drop();
    },
  };
};

const connect = async ({ target, ca }: LinkOptions): Promise<Connection> => {
  const { host, port, user, database, password } = target;
  const connecting = createConnection({
    host,
    port,
    user,
    database,
    ...(password !== undefined && { password }),
    ...tlsOptions(target, ca),
    charset: 'utf8mb4_unicode_ci',
    // Times go and come as the text that stands in the column: nothing converts them.
    timezone: 'Z',
    dateStrings: true,
    supportBigNumbers: true,
    // What is read of a column of the type JSON has to be what is compared with it later.
    jsonStrings: true,
    multipleStatements: false,
    disableEval: true,
    connectTimeout: connectLimitMs,
    maxPreparedStatements: 64,
    // A server may ask for a file of the client: it is never offered. And a row that stays as it is does not count as changed.
    flags: ['-LOCAL_FILES', '-FOUND_ROWS'],
  });
  // The handshake behind the connection has no limit of the library's.
  const connection = await within(connecting, 2 * connectLimitMs).catch((error: unknown) => {
    connecting.then(
      (late) => late.destroy(),
      () => undefined,
    );
    throw error;
  });
  try {
    // TIMESTAMP columns of an older table follow the session's zone; values that do not fit are errors and never cut in silence.
    await within(
      connection
        .query(
          "SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', innodb_lock_wait_timeout = 3, autocommit = 1, transaction_isolation = 'READ-COMMITTED'",
        )
        .catch(() =>
          // MariaDB before 11.1 has the isolation under its older name.
          connection.query(
            "SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', innodb_lock_wait_timeout = 3, autocommit = 1, tx_isolation = 'READ-COMMITTED'",
          ),
        ),
      connectLimitMs,
    );
    return connection;
  } catch (error) {
    connection.destroy();
    throw error;
  }
};

const tlsOptions = ({ tls }: MySqlTarget, ca: string | undefined): object => {
  if (tls === 'DISABLED') return {};
  // A list: node:tls takes a text that is empty for the wish to believe everybody's authorities.
  const authority = ca === undefined ? {} : { ca: [ca] };
  const common = { ...authority, minVersion: 'TLSv1.2' };
  // As the PostgreSQL driver does it: whoever names an authority wants it asked; one that everybody knows proves nothing without the name.
  if (tls === 'REQUIRED' && ca === undefined) return { ssl: { ...common, rejectUnauthorized: false } };
  return {
    ssl: { ...common, rejectUnauthorized: true, verifyIdentity: tls === 'VERIFY_IDENTITY' || ca === undefined },
  };
};

const speakerOf = (connection: Connection): Speaker => ({
  rows: async (sql, values = []) => {
    const [found] = await connection.execute(sql, values as ExecuteValues);
    return found as readonly MySqlRow[];
  },
  write: async (sql, values = []) => {
    const [result] = await connection.execute(sql, values as ExecuteValues);
    return Number((result as { readonly affectedRows?: number }).affectedRows ?? 0);
  },
  command: async (sql) => void (await connection.query(sql)),
});

class LateAnswer extends Error {
  override readonly name = 'LateAnswer';
}

const within = async <T>(work: Promise<T>, limitMs: number): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LateAnswer(`no answer within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

const isOfTheLibrary = (error: unknown): boolean =>
  error instanceof LateAnswer || (error instanceof Error && ('code' in error || 'fatal' in error));

/** The server's own number for what it has answered; undefined: the connection failed. */
const errorNumber = (error: unknown): number | undefined => {
  const { errno, sqlState } = error as { readonly errno?: unknown; readonly sqlState?: unknown };
  return typeof errno === 'number' && typeof sqlState === 'string' ? errno : undefined;
};

/** The server answers, and may not be used; the message may be shown. */
export class MySqlRefused extends Error {
  override readonly name = 'MySqlRefused';
}

/** ER_DBACCESS_DENIED_ERROR, ER_ACCESS_DENIED_ERROR, ER_BAD_DB_ERROR, ER_HOST_NOT_PRIVILEGED, ER_ACCESS_DENIED_NO_PASSWORD_ERROR. */
const refusals: readonly number[] = [1044, 1045, 1049, 1130, 1698];

/** ER_SERVER_SHUTDOWN, ER_CON_COUNT_ERROR, ER_CONNECTION_KILLED: this connection is at its end. */
const ends: readonly number[] = [1053, 1040, 1927];

const isAnswer = (error: unknown): boolean => {
  const number = errorNumber(error);
  return number !== undefined && (error as { readonly fatal?: unknown }).fatal !== true && !ends.includes(number);
};

/** A value that its column does not take: too long, out of range, of another character set, not JSON. */
export const isAboutValues = (error: unknown): boolean => aboutValues.includes(errorNumber(error) ?? 0);

/** ER_WARN_DATA_OUT_OF_RANGE, ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, ER_DATA_TOO_LONG, WARN_DATA_TRUNCATED, CONSTRAINT_FAILED, ER_INVALID_JSON_TEXT. */
const aboutValues: readonly number[] = [1264, 1292, 1366, 1406, 1265, 4025, 3140, 3819];

/** What may be told: the library's errors carry the statement, and the server's quote values. */
const described = (error: unknown): Error => {
  if (error instanceof LateAnswer) return error;
  const number = errorNumber(error);
  const { code } = error as { code?: unknown };
  if (number !== undefined && refusals.includes(number))
    return new MySqlRefused(`refuses the user, the password or the database (${number})`);
  if (number !== undefined) return new Error(`MySQL answered ${number} ${typeof code === 'string' ? code : ''}`.trim());
  return new Error(`no connection to MySQL (${typeof code === 'string' ? code : 'unknown'})`);
};
