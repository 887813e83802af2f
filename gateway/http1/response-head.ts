import { type ServerResponse, STATUS_CODES } from 'node:http';

/** What node:http keeps of a head until it is sent, and what it asks for one. */
interface HeadParts {
  _header: string | null;
  _headerSent: boolean;
  _contentLength: number | null;
  readonly _expect_continue: boolean;
  readonly _keepAliveTimeout: number;
  readonly _maxRequestsPerSocket: number | null;
  readonly maxRequestsOnConnectionReached: boolean;
}

/** Names that node:http does more with than write them. */
const telling: ReadonlySet<string> = new Set([
  'connection',
  'content-disposition',
  'expect',
  'keep-alive',
  'trailer',
  'transfer-encoding',
]);

/**
 * Writes a head without judging each line of it once more: a service's lines were judged by the parser that read them
 * (`response-parser.ts`), the others are the gateway's own. node:http judges every name and value again and asks each name six questions,
 * a twentieth of all that a request costs. The bytes are node:http's own (`response-head.test.ts` compares them), and what is not
 * everyday it writes itself. The response has no headers set before.
 * @param headers lower-case name, value, …, lawful in name and value
 */
export const writeLawfulHead = (res: ServerResponse, status: number, headers: string[]): void => {
  const parts = res as unknown as HeadParts;
  const lines = isEveryday(res, parts, status) ? everydayLines(headers) : undefined;
  if (lines === undefined) {
    res.writeHead(status, headers);
    return;
  }
  const reason = STATUS_CODES[status] ?? 'unknown';
  const date = lines.hasDate ? '' : `Date: ${httpDate()}\r\n`;
  res.statusCode = status;
  res.statusMessage = reason;
  parts._contentLength = lines.contentLength;
  parts._header = `HTTP/1.1 ${status} ${reason}\r\n${lines.text}${date}${keepAlive(parts._keepAliveTimeout)}\r\n`;
  parts._headerSent = false;
};

/** A final answer with a body, on a connection that stays. */
const isEveryday = (res: ServerResponse, parts: HeadParts, status: number): boolean =>
  res.shouldKeepAlive &&
  status >= 200 &&
  status !== 204 &&
  status !== 304 &&
  parts._header === null &&
  !parts._expect_continue &&
  !parts._maxRequestsPerSocket &&
  !parts.maxRequestsOnConnectionReached;

interface Lines {
  readonly text: string;
  readonly contentLength: number;
  readonly hasDate: boolean;
}

/** undefined: there is no length among them, or a name that means more. */
const everydayLines = (headers: readonly string[]): Lines | undefined => {
  let text = '';
  let contentLength = -1;
  let hasDate = false;
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] ?? '';
    const value = headers[at + 1] ?? '';
    if (name === 'content-length') contentLength = Number(value);
    else if (name === 'date') hasDate = true;
    else if (telling.has(name)) return undefined;
    text += `${name}: ${value}\r\n`;
  }
  return contentLength < 0 ? undefined : { text, contentLength, hasDate };
};

let keepAliveMs = -1;
let keepAliveText = '';
const keepAlive = (timeoutMs: number): string => {
  if (timeoutMs !== keepAliveMs) {
    keepAliveMs = timeoutMs;
    const hint = timeoutMs > 0 ? `Keep-Alive: timeout=${Math.floor(timeoutMs / 1000)}\r\n` : '';
    keepAliveText = `Connection: keep-alive\r\n${hint}`;
  }
  return keepAliveText;
};

let dateSecond = -1;
let dateText = '';
/** RFC 9110 §5.6.7. */
const httpDate = (): string => {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(second * 1000).toUTCString();
  }
  return dateText;
};
