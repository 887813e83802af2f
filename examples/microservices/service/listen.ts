import { once } from 'node:events';
import type { RequestListener, Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { SettingsError } from '@sallyport/example-kit/environment';
import { createServiceServer, type TlsFiles } from '@sallyport/example-kit/tls';

export interface Listener {
  /** Stops accepting, lets accepted requests finish, and cuts what is left after `limitMs` (5 s). */
  close(limitMs?: number): Promise<void>;
}

const idleCheckMs = 20;
/** The gateway keeps connections: a request may be on its way on one that looks idle. */
const idleGraceMs = 250;

/** Opens one socket per host; `localhost` stands for both loopbacks, since clients resolve it to either. */
export const listen = async (
  handler: RequestListener,
  hosts: readonly string[],
  port: number,
  tls?: TlsFiles,
): Promise<Listener> => {
  const servers: Server[] = [];
  const state = { closing: false };
  // A connection that goes on sending requests would never be idle: while closing, each answer ends its connection.
  const answer: RequestListener = (request, response) => {
    if (state.closing) response.shouldKeepAlive = false;
    return handler(request, response);
  };
  try {
    for (const host of hosts.flatMap((name) => (name === 'localhost' ? ['127.0.0.1', '::1'] : [name]))) {
      const server = await open(() => serverOf(tls, answer), host, port, hosts.includes('localhost') && host === '::1');
      if (server !== undefined) servers.push(server);
    }
  } catch (error) {
    await closeAll(servers, 0);
    throw error;
  }
  return {
    close: (limitMs = 5_000) => {
      state.closing = true;
      return closeAll(servers, limitMs);
    },
  };
};

const serverOf = (tls: TlsFiles | undefined, handler: RequestListener): Server =>
  createServiceServer(tls, { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 65_000 }, handler);

const open = async (
  create: () => Server,
  host: string,
  port: number,
  mayBeAbsent: boolean,
): Promise<Server | undefined> => {
  const server = create();
  server.listen({ host, port });
  try {
    await once(server, 'listening');
    return server;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    // A machine without IPv6 has one loopback only.
    if (mayBeAbsent && (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT')) return undefined;
    throw new SettingsError(`cannot listen on ${host}, port ${port} (${code}): set PORT or SALLYPORT_PORT_OFFSET`);
  }
};

const closeAll = async (servers: readonly Server[], limitMs: number): Promise<void> => {
  // `close` of node:http would close idle connections at once.
  const closed = Promise.all(
    servers.map((server) => new Promise((resolve) => NetServer.prototype.close.call(server, resolve))),
  );
  const graceEndsMs = performance.now() + Math.min(idleGraceMs, limitMs);
  // A connection whose answer just ended is idle but open: keep-alive would hold it for a minute.
  const idle = setInterval(() => {
    if (performance.now() < graceEndsMs) return;
    for (const server of servers) server.closeIdleConnections();
  }, idleCheckMs);
  const limit = setTimeout(() => {
    for (const server of servers) server.closeAllConnections();
  }, limitMs);
  await closed;
  clearInterval(idle);
  clearTimeout(limit);
  // Ends the timers of node:http.
  for (const server of servers) server.close();
};
