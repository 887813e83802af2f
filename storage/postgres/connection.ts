/**
 * One connection, used by one verb at a time, and never made anew by itself: the pool replaces what has ended. The library's own pool
 * knows no limit for an answer, and asks again and again, without a pause, where a server accepts and hangs up.
 */
import { connect, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import postgres from 'postgres';
import { described, endsConnection, LateAnswer, RefusedServer } from './failure.ts';
import type { PostgresHost, PostgresTarget } from './target.ts';

export type SqlRow = Readonly<Record<string, unknown>>;
export type SqlValue = string | number | boolean | null | Uint8Array | object;

export interface Connection {
  /** False: it has ended, or been given up. */
  readonly alive: boolean;
  readonly openedAtMs: number;
  /** Prepared at its first use. Gives the connection up where no answer has come in time. */
  run(sql: string, values: readonly SqlValue[], limitMs: number): Promise<readonly SqlRow[]>;
  /** Several statements in one text, without values. */
  runScript(sql: string, limitMs: number): Promise<void>;
  /** At once; what is under way is answered with an error. */
  giveUp(): void;
  /** Of one that is idle: says goodbye. */
  end(): void;
}

export interface ConnectOptions {
  readonly target: PostgresTarget;
  /** PEM of the authorities that may have signed the server's certificate; without it, those that Node knows. */
  readonly ca?: string;
  readonly applicationName: string;
  /** The server's own limit for one statement, waiting for locks included; 0: none. */
  readonly statementLimitMs: number;
  /** INSECURE, for tests: `sallyport.clock_offset_ms` may be set. */
  readonly clockMayBeMoved?: boolean;
  readonly onNotification?: (channel: string) => void;
  readonly onEnd?: () => void;
}

const connectLimitMs = 1000;
const helloLimitMs = 1000;
const goodbyeLimitSeconds = 1;
/** PostgreSQL 14.0. */
const oldestServer = 140_000;

/** The first of the hosts that is a primary. @throws the error of the last one */
export const openConnection = async (options: ConnectOptions): Promise<Connection> => {
  let last: unknown;
  for (const host of options.target.hosts) {
    try {
      return await connectTo(host, options);
    } catch (error) {
      last = error;
    }
  }
  throw last;
};

const connectTo = async (host: PostgresHost, options: ConnectOptions): Promise<Connection> => {
  const connection = speak(await openSocket(host), host, options);
  try {
    await greet(connection, options.clockMayBeMoved === true);
    return connection;
  } catch (error) {
    connection.giveUp();
    throw error;
  }
};

const openSocket = ({ host, port }: PostgresHost): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = host.startsWith('/')
      ? connect(`${host}/.s.PGSQL.${port}`)
      : connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 });
    const limit = setTimeout(
      () => socket.destroy(new LateAnswer(`no connection within ${connectLimitMs} ms`)),
      connectLimitMs,
    );
    const settle = (error?: Error): void => {
      clearTimeout(limit);
      if (error === undefined) resolve(socket);
      else reject(error);
    };
    socket.once('connect', () => settle()).once('error', settle);
  });

/** The library wraps the socket that it is given, and would look for the certificate of `localhost` where the host is an address. */
const tlsOptions = ({ target, ca }: ConnectOptions, { host }: PostgresHost): false | ConnectionOptions => {
  if (target.tls === 'disable' || host.startsWith('/')) return false;
  // RFC 6066 §3: literal addresses are no server names.
  const named: ConnectionOptions = isIP(host) === 0 ? { servername: host } : {};
  const byName: ConnectionOptions = {
    ...named,
    // A list: node:tls takes a text that is empty for the wish to believe everybody's authorities.
    ...(ca !== undefined && { ca: [ca] }),
    rejectUnauthorized: true,
    checkServerIdentity: (_, cert) => checkServerIdentity(host, cert),
  };
  const byAuthority = { ...byName, checkServerIdentity: () => undefined };
  switch (target.tls) {
    case 'require':
      // As libpq does it: whoever names an authority wants it asked.
      return ca === undefined ? { ...named, rejectUnauthorized: false } : byAuthority;
    case 'verify-ca':
      // An authority that everybody knows has signed everybody's certificates: without the name anyone's would do.
      return ca === undefined ? byName : byAuthority;
    case 'verify-full':
      return byName;
  }
};

const int8 = { to: 20, from: [20], serialize: String, parse: Number };

const speak = (socket: Socket, host: PostgresHost, options: ConnectOptions): Connection => {
  const { target } = options;
  let alive = true;
  let given = false;
  const ended = (): void => {
    if (!alive) return;
    alive = false;
    options.onEnd?.();
  };
  const client = postgres({
    host: host.host,
    port: host.port,
    database: target.database,
    user: target.user,
    // As a function: an empty text would be filled up from PGPASSWORD.
    pass: () => target.password ?? '',
    ssl: tlsOptions(options, host),
    socket: () => {
      if (given) throw new Error('a connection is opened once');
      given = true;
      return socket;
    },
    max: 1,
    connect_timeout: 0,
    idle_timeout: 0,
    max_lifetime: 0,
    fetch_types: false,
    // Milliseconds and counts stay far below 2^53.
    types: { int8 },
    connection: {
      application_name: options.applicationName,
      statement_timeout: String(options.statementLimitMs),
      // Nothing that others may write to is ever searched for a function.
      search_path: 'pg_catalog',
      bytea_output: 'hex',
      jit: 'off',
      // A function of the schema counts on it: each of its statements sees what was committed before.
      default_transaction_isolation: 'read committed',
    },
    onnotice: () => undefined,
    onnotify: (channel: string) => options.onNotification?.(channel),
    onclose: ended,
  } as unknown as postgres.Options<Record<string, postgres.PostgresType>>);

  const giveUp = (): void => {
    ended();
    socket.destroy();
  };

  const answer = async <T>(work: Promise<T>, limitMs: number): Promise<T> => {
    try {
      return await within(work, limitMs);
    } catch (error) {
      if (endsConnection(error)) giveUp();
      throw error;
    }
  };

  return {
    get alive() {
      return alive;
    },
    openedAtMs: performance.now(),
    run: (sql, values, limitMs) => {
      const query = client.unsafe(
        sql,
        values as never[],
        { prepare: true, simple: false } as postgres.UnsafeQueryOptions,
      );
      return answer<readonly SqlRow[]>(query.execute(), limitMs);
    },
    runScript: async (sql, limitMs) => {
      await answer(client.unsafe(sql).simple().execute(), limitMs);
    },
    giveUp,
    end: () => {
      ended();
      void client.end({ timeout: goodbyeLimitSeconds }).finally(() => socket.destroy());
    },
  };
};

const within = async <T>(work: Promise<T>, limitMs: number): Promise<T> => {
  const { promise, reject } = Promise.withResolvers<never>();
  const late = (): void => reject(new LateAnswer(`no answer of PostgreSQL within ${limitMs} ms`));
  // One turn later: where it is this process that was busy for so long, the answer is there and has only not been read yet.
  const timer = setTimeout(() => setImmediate(late), limitMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
    // Whoever loses the race may still reject, and nobody is left to hear it.
    work.catch(() => undefined);
  }
};

const hello = `SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS read_only,
  current_setting('server_version_num')::integer AS version,
  current_setting('transaction_isolation') AS isolation,
  current_setting('bytea_output') AS bytea_output,
  current_setting('synchronous_commit') AS synchronous_commit,
  coalesce(current_setting('sallyport.clock_offset_ms', true), '') AS clock_offset`;

/** What was the primary may be a replica by now, or the other way round: each connection asks anew. */
const greet = async (connection: Connection, clockMayBeMoved: boolean): Promise<void> => {
  const [found] = await connection.run(hello, [], helloLimitMs);
  if (found === undefined) throw new RefusedServer('PostgreSQL does not say what it is');
  if (found['read_only'] !== false) throw new RefusedServer('this PostgreSQL is a replica, or read-only');
  if (Number(found['version']) < oldestServer) throw new RefusedServer('this PostgreSQL is older than 14');
  // A pooler may keep from the server what was asked for.
  if (found['isolation'] !== 'read committed' || found['bytea_output'] !== 'hex')
    throw new RefusedServer(
      'a pooler in between drops default_transaction_isolation or bytea_output: set them for the role',
    );
  if (found['synchronous_commit'] === 'off')
    throw new RefusedServer('synchronous_commit is off: what was answered could be lost');
  if (found['clock_offset'] !== '' && !clockMayBeMoved)
    throw new RefusedServer('sallyport.clock_offset_ms is set for this role or database: it is for tests, remove it');
};

/** For whoever asks once, at the start. */
export const readable = (error: unknown): string => described(error).message;
