/**
 * The log: one JSON object per line (pino), one line per request, secrets cut out by the tags of the schemas.
 * Errors are written as name, code, message, stack and cause chain, and nothing else that hangs on them.
 * Never: a query string, a body, a token, or a header that carries one.
 */
import type { TraceContext } from '@sallyport/contract';
import { type DestinationStream, type LevelWithSilent, type Logger, pino, stdTimeFunctions } from 'pino';
import { createLineBuffer, type LineBuffer } from './log-buffer.ts';
import { createRedact } from './log-redact.ts';
import { rememberRequestLines } from './log-request.ts';

export { redactPathsOf } from './log-redact.ts';
export { logRequest, pathOf, type RequestLine } from './log-request.ts';

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
  /** The span that is under way, for every line that is written within one. Default: none ever is. */
  readonly current?: (() => Pick<TraceContext, 'traceId' | 'spanId'> | undefined) | undefined;
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

export const createLog = ({ name, level, destination, redact = [], current }: LogOptions): Log => {
  const withoutSecrets = createRedact([...secretHeaders, ...redact]);
  const stream = destination ?? pino.destination({ dest: 1, sync: true });
  const log = pino(
    {
      name,
      level,
      base: { pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: withoutSecrets },
      ...(current !== undefined && { mixin: () => traceFields(current()) }),
      // The formatter has done it; pino's own would write all members of an error.
      serializers: { err: (told) => told },
    },
    stream,
  );
  rememberRequestLines(log, { name, stream, withoutSecrets });
  const createChild = log.child;
  // What a child carries into each of its lines is written once, past the formatter.
  log.child = function createChildWithoutSecrets(bindings, options) {
    return Reflect.apply(createChild, this, [withoutSecrets(bindings), options]);
  };
  return log;
};

const traceFields = (span: Pick<TraceContext, 'traceId' | 'spanId'> | undefined): object =>
  span === undefined ? {} : { traceId: span.traceId, spanId: span.spanId };

/** A process has one standard output: two buffers on it would mix their lines. */
let stdout: LineBuffer | undefined;

/** Standard output for a log of thousands of lines a second: gathered, written at least every 250 ms and at exit. */
export const bufferedStdout = (): DestinationStream => {
  if (stdout === undefined) {
    stdout = createLineBuffer(1);
    process.once('exit', stdout.flushSync);
  }
  return stdout;
};
