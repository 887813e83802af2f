import type { Server } from 'node:http';

const idleCheckMs = 20;

/** Ends servers gracefully: no new connection, idle ones closed as they fall idle, the rest cut after `limitMs`. */
export const drain = async (servers: readonly Server[], limitMs: number): Promise<void> => {
  const closed = Promise.all(servers.map(closeServer));
  // A connection whose answer just ended is idle but open: keep-alive would hold it for a minute.
  const idleTimer = setInterval(() => {
    for (const server of servers) server.closeIdleConnections();
  }, idleCheckMs);
  const limitTimer = setTimeout(() => {
    for (const server of servers) server.closeAllConnections();
  }, limitMs);
  try {
    await closed;
  } finally {
    clearInterval(idleTimer);
    clearTimeout(limitTimer);
  }
};

/** Also fine for a server that is closed already. */
const closeServer = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
