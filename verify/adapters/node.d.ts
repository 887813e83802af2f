/** node:http: wraps a handler. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Answer } from '../guard/answer.ts';
import type { Caller, Guard } from '../guard/guard.ts';
export type GuardedHandler = (request: IncomingMessage, response: ServerResponse, caller: Caller) => void | Promise<void>;
/** Sends a finished answer, such as that of `problemAnswer`. */
export declare const sendAnswer: (response: ServerResponse, answer: Answer) => void;
/**
 * A request listener that calls `handler` only for requests that the guard lets pass, with identity headers hidden.
 * A handler's rejection destroys the response: frameworks above do better, this one has no opinion.
 */
export declare const guardNode: (guard: Guard, handler: GuardedHandler) => RequestListener;
