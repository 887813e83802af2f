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

/** RFC 9110 §5.5: CR, LF, NUL and other control characters but HTAB; and what latin1 cannot write. */
const unsafeValue = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * A request's head as one string, for one write. llhttp and the gateway's own signer made the parts; that none of them ends its line
 * is checked all the same, since one line end too many would begin another request.
 * @throws TypeError for a value with a control character
 */
export const requestHead = ({ method, target, headers, body }: OutgoingRequest, host: string): string => {
  let text = `${method} ${target} HTTP/1.1\r\nhost: ${host}\r\n`;
  let hasLength = false;
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] ?? '';
    const value = headers[at + 1] ?? '';
    if (unsafeValue.test(value)) throw new TypeError('a request header holds a control character');
    if (name === 'content-length') hasLength = true;
    text += `${name}: ${value}\r\n`;
  }
  return body === null || hasLength ? `${text}\r\n` : text + chunkedEnd;
};
