/** Fetch API (Request to Response): Deno, Bun, service workers, or any framework that speaks it. */
import type { Answer } from '../guard/answer.ts';
import type { Caller, Guard } from '../guard/guard.ts';
export type FetchHandler = (request: Request, caller: Caller) => Response | Promise<Response>;
export interface GuardFetchOptions {
    /**
     * Path and query as received on the wire. Default: cut from `request.url`, which equals the wire for every target that
     * the gateway lets through; other spellings are refused, because the URL parser has respelled them.
     */
    readonly target?: (request: Request) => string;
}
/** Path and query of an absolute URL, cut and not parsed: `?` without a query stays. */
export declare const targetOfUrl: (url: string) => string;
/** Headers of the fetch API join repeated lines by commas; a compact JWS has none, so several are never taken for one. */
export declare const fetchValues: (headers: Headers, name: string) => readonly string[];
/** A guard's refusal as response. */
export declare const answerResponse: ({ status, headers, body }: Answer) => Response;
/** A fetch handler that calls `handler` only for requests that the guard lets pass, with identity headers hidden. */
export declare const guardFetch: (guard: Guard, handler: FetchHandler, { target }?: GuardFetchOptions) => ((request: Request) => Promise<Response>);
