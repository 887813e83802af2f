/**
 * The log: one JSON object per line (pino), one line per request, secrets cut out by the tags of the schemas.
 * Errors are written as name, code, message, stack and cause chain, and nothing else that hangs on them.
 * Never: a query string, a body, a token, or a header that carries one.
 */
import { type DestinationStream, type LevelWithSilent, type Logger, pino, stdTimeFunctions } from 'pino';
import { createRedact } from './log-redact.ts';

export { redactPathsOf } from './log-redact.ts';

export type Log = Logger;
export type LogLevel = LevelWithSilent;

export interface LogOptions {
  /** The server's name, in every line. */
  readonly name: string;
  readonly level: LogLevel;
  /** Default: standard output, written at once. */
  readonly destination?: DestinationStream;
  /** Paths of secret members, from `redactPathsOf`; each is cut out wherever a line's path ends in it. */
  readonly redact?: readonly string[];
}

/** Headers that carry credentials or proofs, cut out wherever headers are logged. */
const secretHeaders = [
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'dpop',
  'x-csrf-token',
  'x-gateway-assertion',
  'x-gateway-signature',
  'idempotency-key',
].map((name) => `/${name}`);

export const createLog = ({ name, level, destination, redact = [] }: LogOptions): Log => {
  const withoutSecrets = createRedact([...secretHeaders, ...redact]);
  const log = pino(
    {
      name,
      level,
      base: { pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: withoutSecrets },
      // The formatter has done it; pino's own would write all members of an error.
      serializers: { err: (told) => told },
    },
    destination ?? pino.destination({ dest: 1, sync: true }),
  );
  const createChild = log.child;
  // What a child carries into each of its lines is written once, past the formatter.
  log.child = function createChildWithoutSecrets(bindings, options) {
    return Reflect.apply(createChild, this, [withoutSecrets(bindings), options]);
  };
  return log;
};

/**
 * Standard output in blocks of 15 KiB, written at least every 250 ms and at exit: for a log of thousands of lines a second.
 * A process that is killed loses what stands in the block.
 */
export const bufferedStdout = (): DestinationStream =>
  pino.destination({ dest: 1, sync: false, minLength: 15_360, periodicFlush: 250 });

/** One answered request. */
export interface RequestLine {
  readonly requestId: string;
  readonly traceId?: string;
  readonly method: string;
  /** The request target; what follows `?` is not logged. */
  readonly target: string;
  readonly status: number;
  readonly durationMs: number;
  /** The client's address as this server judges it. */
  readonly address: string;
  /** The `User-Agent` header. */
  readonly agent?: string | undefined;
  /** Further members, for example `event` and `user` of an auth event. */
  readonly fields?: Readonly<Record<string, string | number | boolean | undefined>>;
}

const agentLimitCharacters = 256;
const pathLimitCharacters = 1024;

/** Writes the one line of a request: level `info`, from status 500 on `warn` (the cause has its own `error` line). */
export const logRequest = (log: Pick<Log, 'info' | 'warn'>, line: RequestLine): void => {
  const { target, agent, durationMs, fields, ...rest } = line;
  const [path = ''] = target.split('?', 1);
  const entry = {
    ...fields,
    ...rest,
    path: path.slice(0, pathLimitCharacters),
    durationMs: Math.round(durationMs * 1000) / 1000,
    agent: agent?.slice(0, agentLimitCharacters),
  };
  if (line.status >= 500) log.warn(entry, 'request');
  else log.info(entry, 'request');
};
