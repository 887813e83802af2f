import type { ServiceAddress } from '../http1/open-socket.ts';
import { createHttpPool } from '../http1/pool.ts';
import type { AnswerHead } from '../http1/response-parser.ts';

/** What became of one question; 0: no answer came. */
export interface Reply {
  /**
   * `refuses`: 401 or 403. `answers`: 2xx or 3xx, to somebody who brought nothing. `says nothing`: another 4xx, which may come before
   * or after a guard, and a redirect that only respells the path. `not up`: 5xx, or no answer at all.
   */
  readonly verdict: 'refuses' | 'answers' | 'says nothing' | 'not up';
  readonly status: number;
}

export interface QuestionOptions {
  readonly address: ServiceAddress;
  readonly path: string;
  /** To connect, and again until the answer begins. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const headers = Object.freeze(['user-agent', 'sallyport-probe', 'accept', '*/*']);
const noAnswer: Reply = Object.freeze({ verdict: 'not up', status: 0 });

/** One GET without assertion, identity or credentials, on a connection of its own. Never rejects; the body is not read. */
export const askWithoutAssertion = ({ address, path, timeoutMs, signal }: QuestionOptions): Promise<Reply> => {
  if (signal.aborted) return Promise.resolve(noAnswer);
  const pool = createHttpPool({ address, maxConnections: 1, connectTimeoutMs: timeoutMs, answerTimeoutMs: timeoutMs });
  const { promise, resolve } = Promise.withResolvers<Reply>();
  const end = (): void => resolve(noAnswer);
  signal.addEventListener('abort', end, { once: true });
  pool.dispatch(
    { method: 'GET', target: path, headers, body: null },
    {
      onStart: () => undefined,
      onHead: (head) => resolve({ verdict: verdictOf(head, path), status: head.status }),
      onBody: () => undefined,
      onRead: () => undefined,
      onEnd: end,
      onError: end,
    },
  );
  return promise.finally(() => {
    signal.removeEventListener('abort', end);
    pool.close();
  });
};

const verdictOf = (head: AnswerHead, path: string): Reply['verdict'] => {
  const { status } = head;
  if (status === 401 || status === 403) return 'refuses';
  if (status >= 500) return 'not up';
  if (status >= 400 || respells(head, path)) return 'says nothing';
  return 'answers';
};

/** Routers add and cut slashes, and servers send to https, before any guard is asked. */
const respells = ({ status, headers: lines }: AnswerHead, path: string): boolean => {
  if (status < 300) return false;
  const at = lines.findIndex((text, place) => place % 2 === 0 && text.toLowerCase() === 'location');
  const location = at < 0 ? '' : (lines[at + 1] ?? '');
  if (!URL.canParse(location, base)) return false;
  return withoutSlash(new URL(location, new URL(path, base)).pathname) === withoutSlash(path);
};

const base = 'http://service.invalid';
const withoutSlash = (path: string): string => (path.endsWith('/') ? path.slice(0, -1) : path);
