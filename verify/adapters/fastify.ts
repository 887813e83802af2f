/** Fastify 5: a plugin that guards the whole app and sets `request.identity`. */
import type { FastifyPluginCallback } from 'fastify';
import { assertGuard, type Caller, type Guard } from '../guard/guard.ts';
import { checkIncoming } from './incoming.ts';

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
export const guardFastify = (guard: Guard): FastifyPluginCallback => {
  assertGuard(guard);
  const plugin: FastifyPluginCallback = (app, _options, done) => {
    app.decorateRequest('identity');
    app.addHook('onRequest', async function guarded(request, reply) {
      // `originalUrl` is the target on the wire, also where the server's `rewriteUrl` has changed `url`.
      const decision = await checkIncoming(guard, request.raw, request.originalUrl);
      if (decision.pass) {
        request.identity = decision.caller;
        return;
      }
      const { status, headers, body } = decision.answer;
      // As bytes: Fastify would add a charset to the type of a text, and problem+json has none (RFC 9457 §6.1).
      return reply.code(status).headers(headers).send(Buffer.from(body));
    });
    done();
  };
  return Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: '@sallyport/verify',
  });
};
