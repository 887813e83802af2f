import type { MiddlewareHandler } from 'hono';
import type { Caller, Guard } from '../guard/guard.ts';
/** For `new Hono<GuardedEnv>()`. */
export interface GuardedEnv {
    readonly Variables: {
        /** Set by `guardHono`; undefined on unguarded routes. */
        identity: Caller;
    };
}
/** Middleware for `app.use(guardHono(guard))`. */
export declare const guardHono: (guard: Guard) => MiddlewareHandler<GuardedEnv>;
