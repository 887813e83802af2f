import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { endHandshakes } from './listener-handshakes.ts';

const idleCheckMs = 20;
/** A request may be on its way on a connection that looks idle: so long it is waited for, and its answer ends the connection. */
const idleGraceMs = 250;

/**
 * Ends servers gracefully: no new connection, those that stay idle closed after a moment, the rest as they fall idle or, after
 * `limitMs`, cut. While it runs, every answer has to say `connection: close`.
 */
export const drain = async (servers: readonly Server[], limitMs: number): Promise<void> => {
  const closed = Promise.all(servers.map(closeServer));
  const graceEndsMs = performance.now() + Math.min(idleGraceMs, limitMs);
  // A connection whose answer just ended is idle but open: keep-alive would hold it for a minute.
  const idleTimer = setInterval(() => {
    if (performance.now() < graceEndsMs) return;
    for (const server of servers) {
      server.closeIdleConnections();
      endHandshakes(server);
    }
  }, idleCheckMs);
  const limitTimer = setTimeout(() => {
    for (const server of servers) server.closeAllConnections();
  }, limitMs);
  try {
    await closed;
  } finally {
    clearInterval(idleTimer);
    clearTimeout(limitTimer);
    // Ends the timers of node:http, which `close` of node:net knows nothing of.
    for (const server of servers) server.close();
  }
};

/** Also fine for a server that is closed already. `close` of node:http would close idle connections at once. */
const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => NetServer.prototype.close.call(server, () => resolve()));
