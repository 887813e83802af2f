/** Fetch API (Request to Response): Deno, Bun, service workers, or any framework that speaks it. */
import type { Answer } from '../guard/answer.ts';
import { assertGuard, type Caller, type Guard } from '../guard/guard.ts';
import { isIdentityHeader } from '../guard/identity-header.ts';

export type FetchHandler = (request: Request, caller: Caller) => Response | Promise<Response>;

export interface GuardFetchOptions {
  /**
   * Path and query as received on the wire. Default: cut from `request.url`. That equals the wire for every target that the
   * gateway lets through; one that the URL parser has respelled is judged as the handler sees it, not as it was sent.
   */
  readonly target?: (request: Request) => string;
}

/** Path and query of an absolute URL, cut and not parsed: `?` without a query stays. */
export const targetOfUrl = (url: string): string => url.slice(url.indexOf('/', url.indexOf('//') + 2));

/** Headers of the fetch API join repeated lines by commas; a compact JWS has none, so several are never taken for one. */
export const fetchValues = (headers: Headers, name: string): readonly string[] => {
  const value = headers.get(name);
  return value === null ? [] : value.split(',').map((item) => item.trim());
};

/** A guard's refusal as response. */
export const answerResponse = ({ status, headers, body }: Answer): Response => new Response(body, { status, headers });

const withoutIdentityHeaders = (request: Request): Request => {
  const headers = new Headers(request.headers);
  for (const name of [...headers.keys()]) if (isIdentityHeader(name)) headers.delete(name);
  return new Request(request, { headers });
};

/** A fetch handler that calls `handler` only for requests that the guard lets pass, with identity headers hidden. */
export const guardFetch = (
  guard: Guard,
  handler: FetchHandler,
  { target = ({ url }) => targetOfUrl(url) }: GuardFetchOptions = {},
): ((request: Request) => Promise<Response>) => {
  assertGuard(guard);
  return async function guarded(request) {
    const { method, headers } = request;
    const decision = await guard.check({
      method,
      target: target(request),
      values: (name) => fetchValues(headers, name),
    });
    if (!decision.pass) return answerResponse(decision.answer);
    return handler(withoutIdentityHeaders(request), decision.caller);
  };
};
