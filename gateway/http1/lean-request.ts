import { type IncomingHttpHeaders, IncomingMessage } from 'node:http';

/**
 * What node:http itself asks of a request's header object, and what a handshake is judged by (`limits.ts`, `tunnel.ts`). Everything else is read
 * from `rawHeaders`; an object of all headers would be made for each request, for the sake of one look at `expect`.
 */
const asked: ReadonlySet<string> = new Set([
  'content-length',
  'expect',
  'sec-websocket-key',
  'sec-websocket-version',
  'transfer-encoding',
  'upgrade',
]);
const lengths: ReadonlySet<number> = new Set([...asked].map((name) => name.length));

/** As node:http has it: of a name that may stand once the first value. */
const leanHeaders = (rawHeaders: readonly string[]): IncomingHttpHeaders => {
  const headers: Record<string, string> = {};
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const raw = rawHeaders[at] ?? '';
    if (!lengths.has(raw.length)) continue;
    const name = raw.toLowerCase();
    if (asked.has(name)) headers[name] ??= rawHeaders[at + 1] ?? '';
  }
  return headers;
};

/** A request whose `headers` holds those names alone, for servers whose steps read `rawHeaders`. */
export class LeanRequest extends IncomingMessage {
  #lean: IncomingHttpHeaders | undefined;

  /** @see leanHeaders */
  get leanHeaders(): IncomingHttpHeaders {
    this.#lean ??= leanHeaders(this.rawHeaders);
    return this.#lean;
  }

  set leanHeaders(headers: IncomingHttpHeaders) {
    this.#lean = headers;
  }
}

// TypeScript knows `headers` as a property and lets no class put an accessor in its place.
const { leanHeaders: accessor } = Object.getOwnPropertyDescriptors(LeanRequest.prototype);
Object.defineProperty(LeanRequest.prototype, 'headers', accessor);
