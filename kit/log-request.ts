import type { DestinationStream, Logger } from 'pino';
import type { Redact } from './log-redact.ts';

/** One answered request. */
export interface RequestLine {
  /** Made here, so it is written as it stands: letters, digits and dashes. */
  readonly requestId: string;
  /** The same: hex digits, judged where it came in. */
  readonly traceId?: string | undefined;
  /** The same: the span of this server. */
  readonly spanId?: string | undefined;
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

type Member = string | number | boolean | undefined;
type Entry = Record<string, Member>;
type WriteLine = (line: RequestLine) => void;

const agentLimitCharacters = 256;
const pathLimitCharacters = 1024;
const message = 'request';

/** Direct writers of the logs that `createLog` made; a child, or somebody else's log, has none. */
const writers = new WeakMap<object, WriteLine>();

/** Writes the one line of a request: level `info`, from status 500 on `warn` (the cause has its own `error` line). */
export const logRequest = (log: Pick<Logger, 'info' | 'warn'>, line: RequestLine): void => {
  const write = writers.get(log);
  if (write !== undefined) write(line);
  else if (line.status >= 500) log.warn(entryOf(line), message);
  else log.info(entryOf(line), message);
};

const entryOf = (line: RequestLine): Entry => ({
  ...line.fields,
  requestId: line.requestId,
  traceId: line.traceId,
  spanId: line.spanId,
  method: line.method,
  status: line.status,
  address: line.address,
  path: pathOf(line.target),
  durationMs: rounded(line.durationMs),
  agent: line.agent?.slice(0, agentLimitCharacters),
});

/** RFC 9110 §4.2.4: whoever writes a user and password into an absolute target has them in no log. */
const userInfo = /^([a-z][a-z0-9+.-]*:)?\/\/[^/?#]*@/i;

/** What may be told of a request target: no query, no user and password, and no more than a bounded part. */
export const pathOf = (target: string): string => {
  const question = target.indexOf('?');
  const end = Math.min(question < 0 ? target.length : question, pathLimitCharacters);
  const path = end === target.length ? target : target.slice(0, end);
  return path.includes('@') ? path.replace(userInfo, '$1//') : path;
};

const rounded = (durationMs: number): number => Math.round(durationMs * 1000) / 1000;

interface Parts {
  readonly name: string;
  readonly stream: DestinationStream;
  readonly withoutSecrets: Redact;
}

/**
 * Lets `logRequest` build the lines of this log by itself, as pino would: the one line that every request costs is a tenth of
 * a gateway's work by way of pino's general path. All members are plain, so whether one is secret depends on its name alone.
 */
export const rememberRequestLines = (log: Logger, { name, stream, withoutSecrets }: Parts): void => {
  const keys = new Map<string, MemberForm>();
  const about = `,"pid":${process.pid},"name":${quote(name)}`;
  const isoTime = createIsoTime();

  const formOf = (member: string): MemberForm => {
    const known = keys.get(member);
    if (known !== undefined) return known;
    const isSecret = withoutSecrets({ [member]: 0 })[member] !== 0;
    const form = { key: `,${quote(member)}:`, isSecret };
    // Names are the program's own and few; were they not, each would be judged anew.
    if (keys.size < rememberedMembers) keys.set(member, form);
    return form;
  };

  writers.set(log, ({ requestId, traceId, spanId, method, target, status, durationMs, address, agent, fields }) => {
    const level = status >= 500 ? 'warn' : 'info';
    if (!log.isLevelEnabled(level)) return;
    let text = `{"level":"${level}","time":"${isoTime()}"${about}`;
    for (const member in fields) {
      const value = fields[member];
      if (value === undefined) continue;
      const { key, isSecret } = formOf(member);
      text += key + (isSecret ? redacted : textOf(value));
    }
    let trace = traceId === undefined ? '' : `,"traceId":"${traceId}"`;
    if (spanId !== undefined) trace += `,"spanId":"${spanId}"`;
    text += `,"requestId":"${requestId}"${trace},"method":${quote(method)},"status":${status},"address":${quote(address)},"path":${quote(pathOf(target))},"durationMs":${JSON.stringify(rounded(durationMs))}`;
    if (agent !== undefined) text += `,"agent":${quote(agent.slice(0, agentLimitCharacters))}`;
    stream.write(`${text},"msg":"${message}"}\n`);
  });
};

interface MemberForm {
  readonly key: string;
  readonly isSecret: boolean;
}

const rememberedMembers = 256;
const redacted = '"[redacted]"';

/** What JSON writes between quotes as it stands. */
const unescaped = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const quote = (text: string): string => (unescaped.test(text) ? `"${text}"` : JSON.stringify(text));

const textOf = (value: string | number | boolean): string =>
  typeof value === 'string' ? quote(value) : JSON.stringify(value);

/** Several lines fall into one millisecond. */
const createIsoTime = (): (() => string) => {
  let atMs = 0;
  let text = '';
  return () => {
    const nowMs = Date.now();
    if (nowMs !== atMs) {
      atMs = nowMs;
      text = new Date(nowMs).toISOString();
    }
    return text;
  };
};
