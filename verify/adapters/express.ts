/** Express 5: middleware that sets `request.identity`. */
import type { RequestHandler } from 'express';
import { assertGuard, type Caller, type Guard } from '../guard/guard.ts';
import { checkIncoming } from './incoming.ts';
import { sendAnswer } from './node.ts';

declare module 'express-serve-static-core' {
  interface Request {
    /** Set by `guardExpress`; undefined on unguarded routes. */
    identity?: Caller;
  }
}

/** Middleware for `app.use(guardExpress(guard))`. Reads `originalUrl`, which no mount point shortens. */
export const guardExpress = (guard: Guard): RequestHandler => {
  assertGuard(guard);
  return async function guarded(request, response, next) {
    const decision = await checkIncoming(guard, request, request.originalUrl);
    if (!decision.pass) return sendAnswer(response, decision.answer);
    request.identity = decision.caller;
    next();
  };
};
