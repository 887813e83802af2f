/** node:http: wraps a handler. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Answer } from '../guard/answer.ts';
import { assertGuard, type Caller, type Guard } from '../guard/guard.ts';
import { checkIncoming } from './incoming.ts';

export type GuardedHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  caller: Caller,
) => void | Promise<void>;

/** Sends a finished answer, such as that of `problemAnswer`. */
export const sendAnswer = (response: ServerResponse, answer: Answer): void => {
  response.writeHead(answer.status, answer.headers).end(answer.body);
};

/**
 * A request listener that calls `handler` only for requests that the guard lets pass, with identity headers hidden.
 * A handler's rejection destroys the response: frameworks above do better, this one has no opinion.
 */
export const guardNode = (guard: Guard, handler: GuardedHandler): RequestListener => {
  assertGuard(guard);
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const decision = await checkIncoming(guard, request, request.url ?? '');
    if (decision.pass) await handler(request, response, decision.caller);
    else sendAnswer(response, decision.answer);
  };
  return function guarded(request, response) {
    serve(request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  };
};
