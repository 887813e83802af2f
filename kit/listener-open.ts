import { once } from 'node:events';
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createSecureServer, Server as SecureServer } from 'node:https';
import { isIPv6, Socket } from 'node:net';
import type { SecureContextOptions, TlsOptions } from 'node:tls';
import type { ErrorTexts } from '@sallyport/contract';
import { drain } from './listener-drain.ts';
import { watchHandshakes } from './listener-handshakes.ts';
import { answerClientError } from './problem-client-error.ts';
import type { CertificatePair } from './tls-pem.ts';

/** PEM. */
export interface ServerCertificate extends CertificatePair {
  /** Authorities: a client that shows no certificate of one of them gets no connection. Default: clients are not asked. */
  readonly clientCa?: readonly string[];
}

export interface ListenOptions {
  readonly handler: RequestListener;
  /** 0: any free port, the same on every host. */
  readonly port: number;
  /** Addresses or `localhost`. Default `localhost`: 127.0.0.1 and, where the machine has IPv6, ::1. */
  readonly hosts?: readonly string[];
  /** Several sockets of this user may listen on the port, and share what comes (SO_REUSEPORT). Not on every system: ENOTSUP. */
  readonly reusePort?: boolean;
  /** Speak TLS (1.2 or later) with it, and nothing else. Default: plain HTTP. */
  readonly certificate?: ServerCertificate | undefined;
  /** The setting that gives the port, named when the port is taken. */
  readonly setting?: string;
  /** The preset's texts for what is not HTTP at all. */
  readonly texts?: ErrorTexts;
  /** Over the defaults below. */
  readonly serverOptions?: ServerOptions & Pick<TlsOptions, 'handshakeTimeout'>;
  /** Called with each server before it listens, for example to handle upgrades. */
  readonly configure?: (server: Server) => void;
}

export interface Listener {
  readonly port: number;
  /** The URL that people type: `http://localhost:<port>` on the loopbacks. */
  readonly url: string;
  /** `address:port` of every socket. */
  readonly addresses: readonly string[];
  /** New connections get this certificate. @throws where the two do not belong together, or the listener is plain */
  renew(certificate: ServerCertificate): void;
  /** Stops accepting, lets accepted requests finish, ends idle connections; after `limitMs` (default 8 s) cuts the rest. */
  close(limitMs?: number): Promise<void>;
}

/** The address cannot be listened on. The message says which, and what to do. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code: string;

  constructor(code: string, message: string, cause: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

const defaultServerOptions: ServerOptions = {
  /** The request head has to arrive within 10 s, the whole request within 60 s. */
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 2_000,
  /** Longer than the idle time of common load balancers (60 s), so that it is they who close. */
  keepAliveTimeout: 65_000,
  maxHeaderSize: 16_384,
};
const portDrawLimit = 10;

interface Address {
  readonly host: string;
  /** Skipped where the machine has no such address. */
  readonly optional: boolean;
}

/** Opens one socket per host. Throws `ListenError` and leaves none open where one of them cannot be had. */
export const listen = async (options: ListenOptions): Promise<Listener> => {
  const hosts = (options.hosts ?? ['localhost']).flatMap(addressesOf);
  if (hosts.length === 0) throw new TypeError('listen: no host');
  const state = { closing: false };
  const servers = await openAll(hosts, options, closingHandler(options.handler, state));
  const addresses = servers.map(addressOf);
  const port = addresses[0]?.port ?? 0;
  return Object.freeze({
    port,
    url: `${options.certificate === undefined ? 'http' : 'https'}://${urlHost(hosts)}:${port}`,
    addresses: Object.freeze(addresses.map(({ address }) => `${isIPv6(address) ? `[${address}]` : address}:${port}`)),
    renew: (certificate: ServerCertificate) => {
      for (const server of servers) renewOne(server, certificate);
    },
    close: (limitMs = 8_000) => {
      state.closing = true;
      return drain(servers, limitMs);
    },
  });
};

/** A connection that goes on sending requests would never be idle: while closing, each answer ends its connection. */
const closingHandler = (handler: RequestListener, state: { readonly closing: boolean }): RequestListener =>
  function answer(req, res) {
    if (state.closing) res.shouldKeepAlive = false;
    return handler(req, res);
  };

const addressesOf = (host: string): Address[] => {
  if (host !== 'localhost') return [{ host, optional: false }];
  return [
    { host: '127.0.0.1', optional: false },
    { host: '::1', optional: true },
  ];
};

const urlHost = ([first, ...others]: readonly Address[]): string => {
  if (first === undefined || others.some(({ optional }) => optional) || first.host === '0.0.0.0' || first.host === '::')
    return 'localhost';
  return isIPv6(first.host) ? `[${first.host}]` : first.host;
};

/** With port 0 the first address draws a port that may be taken on the next one: then another is drawn. */
const openAll = async (
  hosts: readonly Address[],
  options: ListenOptions,
  handler: RequestListener,
): Promise<Server[]> => {
  for (let draw = 1; ; draw += 1) {
    const servers: Server[] = [];
    try {
      for (const host of hosts) {
        const port = servers[0] === undefined ? options.port : addressOf(servers[0]).port;
        const server = await open(host, port, options, handler);
        if (server !== undefined) servers.push(server);
      }
      return servers;
    } catch (error) {
      await drain(servers, 0);
      const drawAgain = options.port === 0 && servers.length > 0 && draw < portDrawLimit;
      if (!drawAgain) throw error;
    }
  }
};

const renewOne = (server: Server, certificate: ServerCertificate): void => {
  if (!(server instanceof SecureServer)) throw new TypeError('renew: the listener speaks no TLS');
  server.setSecureContext(secureContextOf(certificate));
};

// RFC 9325 §3.1.1: TLS 1.1 and older MUST NOT be negotiated.
const secureContextOf = ({ cert, key, clientCa }: ServerCertificate): SecureContextOptions => ({
  ...{ cert, key, minVersion: 'TLSv1.2' },
  ...(clientCa !== undefined && { ca: [...clientCa] }),
});

const createOne = (options: ListenOptions, handler: RequestListener): Server => {
  const serverOptions = { ...defaultServerOptions, ...options.serverOptions };
  if (options.certificate === undefined) return createServer(serverOptions, handler);
  const asksClients = options.certificate.clientCa !== undefined;
  const server = createSecureServer(
    {
      handshakeTimeout: 10_000,
      ...serverOptions,
      ...secureContextOf(options.certificate),
      requestCert: asksClients,
      rejectUnauthorized: asksClients,
      // RFC 7301: this server speaks HTTP/1.1.
      ALPNProtocols: ['http/1.1'],
    },
    handler,
  );
  watchHandshakes(server);
  return server;
};

const open = async ({ host, optional }: Address, port: number, options: ListenOptions, handler: RequestListener) => {
  const server = createOne(options, handler);
  server.on('clientError', (error, socket) => {
    if (socket instanceof Socket) answerClientError(error, socket, options.texts ?? {});
    else socket.destroy();
  });
  options.configure?.(server);
  // `::` takes the IPv4 addresses too, unless they are listened on by themselves.
  server.listen({
    host,
    port,
    reusePort: options.reusePort === true,
    ipv6Only: isIPv6(host) && (options.hosts ?? ['localhost']).length > 1,
  });
  try {
    await once(server, 'listening');
    return server;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    if (optional && (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT')) return undefined;
    throw new ListenError(code, listenProblem(code, host, port, options.setting), error);
  }
};

const listenProblem = (code: string, host: string, port: number, setting: string | undefined): string => {
  const advice = setting === undefined ? 'choose another port' : `set ${setting} to another port`;
  if (code === 'EADDRINUSE') return `port ${port} on ${host} is in use: stop the process that holds it, or ${advice}`;
  if (code === 'ENOTSUP') return `this system does not let sockets share a port (${host}, port ${port})`;
  if (code === 'EACCES') return `port ${port} on ${host} needs rights that this process does not have: ${advice}`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `this machine has no address ${host} to listen on`;
  return `cannot listen on ${host}, port ${port} (${code})`;
};

const addressOf = (server: Server): { address: string; port: number } => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('listen: the server has no TCP address');
  return address;
};
