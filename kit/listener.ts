/**
 * Sockets that accept requests: the public listener of a server, and its private one (metrics, readiness, feed, admin).
 * One handler serves every address, plain `node:http` or Fastify's `app.routing` (after `app.ready()`; never `app.listen`).
 * Never: knows a route of the product, or drops a request that it accepted before the time limit of the stop.
 */
export { ListenError, type Listener, type ListenOptions, listen, type ServerCertificate } from './listener-open.ts';
export { type PrivateListenerOptions, privateListener, type ReadyState } from './listener-private.ts';
