/** Fastify 5: a plugin that guards the whole app and sets `request.identity`. */
import type { FastifyPluginCallback } from 'fastify';
import type { Caller, Guard } from '../guard/guard.ts';
declare module 'fastify' {
    interface FastifyRequest {
        /** Set by `guardFastify`; undefined on unguarded routes. */
        identity: Caller;
    }
}
/**
 * Plugin for `app.register(guardFastify(guard))`. It breaks out of its own encapsulation, so that every route of the
 * instance it is registered on is guarded, the not-found handler included. Register it before the routes.
 */
export declare const guardFastify: (guard: Guard) => FastifyPluginCallback;
