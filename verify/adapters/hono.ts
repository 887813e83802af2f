/** Hono 4: middleware that sets `c.get('identity')`. */
import type { IncomingMessage } from 'node:http';
import type { Context, MiddlewareHandler } from 'hono';
import { assertGuard, type Caller, type Guard, type GuardDecision } from '../guard/guard.ts';
import { isIdentityHeader } from '../guard/identity-header.ts';
import { answerResponse, fetchValues, targetOfUrl } from './fetch.ts';
import { checkIncoming } from './incoming.ts';

/** For `new Hono<GuardedEnv>()`. */
export interface GuardedEnv {
  readonly Variables: {
    /** Set by `guardHono`; undefined on unguarded routes. */
    identity: Caller;
  };
}

/** On Node the raw request is the wire; `c.req.raw.url` has been through the URL parser. */
const incomingOf = ({ env }: Context): IncomingMessage | undefined =>
  (env as { readonly incoming?: IncomingMessage } | undefined)?.incoming;

const check = (guard: Guard, context: Context): GuardDecision | Promise<GuardDecision> => {
  const incoming = incomingOf(context);
  if (incoming) return checkIncoming(guard, incoming, incoming.url ?? '');
  const { method, url, headers } = context.req.raw;
  return guard.check({ method, target: targetOfUrl(url), values: (name) => fetchValues(headers, name) });
};

const hide = ({ headers }: Request): void => {
  for (const name of [...headers.keys()]) if (isIdentityHeader(name)) headers.delete(name);
};

/** Middleware for `app.use(guardHono(guard))`. */
export const guardHono = (guard: Guard): MiddlewareHandler<GuardedEnv> => {
  assertGuard(guard);
  return async function guarded(context, next): Promise<Response | undefined> {
    const decision = await check(guard, context);
    hide(context.req.raw);
    if (!decision.pass) return answerResponse(decision.answer);
    context.set('identity', decision.caller);
    await next();
    return undefined;
  };
};
