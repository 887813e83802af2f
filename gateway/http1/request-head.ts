/** A body on its way to a service: a stream that can be paused, or none. */
export interface OutgoingBody {
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
  on(event: 'end' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
}

export interface OutgoingRequest {
  readonly method: string;
  readonly target: string;
  /** Name, value, …, checked before: no framing but `content-length`, no `host`, no `connection`. */
  readonly headers: readonly string[];
  readonly body: OutgoingBody | null;
  /** Instead of the pool's. */
  readonly answerTimeoutMs?: number | undefined;
}

/** How the head of a request ends whose body is sent in chunks. */
export const chunkedEnd = 'transfer-encoding: chunked\r\n\r\n';

/**
 * So many lines and not one more, each of what RFC 9110 §5.5 allows in a value: no CR, LF, NUL or other control character but HTAB, and
 * nothing that latin1 cannot write. One expression for each number of lines, over the whole head: cheaper than one for each value.
 */
const formOf = (lines: number): RegExp => new RegExp(`^(?:[\\t\\x20-\\x7e\\x80-\\xff]*\\r\\n){${lines}}$`);
const forms: RegExp[] = [];
/** The expression costs with its length; a request with more lines is judged by one that is made for it. */
const rememberedForms = 128;

const isWhole = (text: string, lines: number): boolean => {
  const known = forms[lines];
  if (known !== undefined) return known.test(text);
  const made = formOf(lines);
  if (lines <= rememberedForms) forms[lines] = made;
  return made.test(text);
};

/**
 * A request's head as one string, for one write. llhttp and the gateway's own signer made the parts; that none of them ends its line
 * is checked all the same, since one line end too many would begin another request.
 * @throws TypeError where a part holds a control character
 */
export const requestHead = ({ method, target, headers, body }: OutgoingRequest, host: string): string => {
  let text = `${method} ${target} HTTP/1.1\r\nhost: ${host}\r\n`;
  let hasLength = false;
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] ?? '';
    if (name === 'content-length') hasLength = true;
    text += `${name}: ${headers[at + 1] ?? ''}\r\n`;
  }
  if (!isWhole(text, 2 + headers.length / 2)) throw new TypeError('a request head holds a control character');
  return body === null || hasLength ? `${text}\r\n` : text + chunkedEnd;
};
