/** A peer of the bench: the usual way to build a gateway with Fastify. */
import { readFileSync } from 'node:fs';
import proxy from '@fastify/http-proxy';
import { createVerifier } from 'fast-jwt';
import Fastify from 'fastify';

const verify = createVerifier({
  key: readFileSync(process.env['PUBLIC_KEY'] ?? '', 'utf8'),
  algorithms: ['RS256'],
  cache: 10_000,
});
const app = Fastify({ logger: false });
await app.register(proxy, {
  upstream: process.env['UPSTREAM'] ?? '',
  undici: { connections: 128, pipelining: 1 },
  preHandler: (request, reply, done) => {
    try {
      const { sub } = verify((request.headers.authorization ?? '').slice('Bearer '.length)) as { readonly sub: string };
      request.headers['x-user-id'] = sub;
      done();
    } catch {
      void reply.code(401).send({ error: 'invalid token' });
    }
  },
});
await app.listen({ host: '127.0.0.1', port: Number(process.env['PORT']) });
