/** Express 5: middleware that sets `request.identity`. */
import type { RequestHandler } from 'express';
import type { Caller, Guard } from '../guard/guard.ts';
declare module 'express-serve-static-core' {
    interface Request {
        /** Set by `guardExpress`; undefined on unguarded routes. */
        identity?: Caller;
    }
}
/** Middleware for `app.use(guardExpress(guard))`. Reads `originalUrl`, which no mount point shortens. */
export declare const guardExpress: (guard: Guard) => RequestHandler;
