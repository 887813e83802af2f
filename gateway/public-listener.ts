import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '@sallyport/kit/clock';
import { type Listener, listen, type ServerCertificate } from '@sallyport/kit/listener';
import type { Log } from '@sallyport/kit/log';
import { answerClientError } from '@sallyport/kit/problem';
import { type ReloadingListener, withCertificate } from '@sallyport/kit/tls-certificate';
import type { GatewaySettings } from './config.ts';
import { LeanRequest } from './http1/lean-request.ts';
import { endSocket } from './linger.ts';
import type { GatewayMetrics } from './metrics.ts';
import { publicTlsFiles } from './settings/tls.ts';

/** What answers the requests that come in. */
export interface RequestHandlers {
  readonly handle: (req: IncomingMessage, res: ServerResponse) => void;
  readonly handleExpecting: (req: IncomingMessage, res: ServerResponse) => void;
  readonly handleUpgrade: (req: IncomingMessage, res: ServerResponse) => void;
}

export interface PublicListenerOptions {
  /** 0: any free one. */
  readonly port: number;
  /** Other threads listen on it too. Default false. */
  readonly isShared?: boolean;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  readonly clock: Clock;
  readonly metrics: Pick<GatewayMetrics, 'watchCertificate'>;
}

/** The public port of the settings; 0: any free one. */
export const publicPort = ({ port, portOffset }: GatewaySettings): number => (port === 0 ? 0 : port + portOffset);

/**
 * Opens the door to a gateway.
 * @throws SettingsError where its certificate cannot be used, ListenError where the port cannot
 */
export const openPublic = (
  settings: GatewaySettings,
  gateway: RequestHandlers,
  { log, clock, metrics, ...options }: PublicListenerOptions,
): Promise<ReloadingListener> =>
  withCertificate(
    { files: publicTlsFiles(settings), log, nowMs: clock.nowMs, watch: metrics.watchCertificate },
    (certificate) => listenPublic(settings, gateway, { ...options, certificate }),
  );

interface ListenPublicOptions extends Pick<PublicListenerOptions, 'port' | 'isShared'> {
  readonly certificate: ServerCertificate | undefined;
}

const listenPublic = (
  settings: GatewaySettings,
  gateway: RequestHandlers,
  { port, isShared = false, certificate }: ListenPublicOptions,
): Promise<Listener> =>
  listen({
    certificate,
    handler: gateway.handle,
    port,
    reusePort: isShared,
    setting: 'GATEWAY_PORT',
    texts: settings.errorTexts,
    ...(settings.host && { hosts: settings.host }),
    serverOptions: {
      insecureHTTPParser: false,
      IncomingMessage: LeanRequest,
      // A request without a body needs no stream of one; nothing here listens for its end.
      optimizeEmptyRequests: true,
      // The gateway's own step asks for Host, and answers with a problem; node:http would answer with nothing.
      requireHostHeader: false,
      // Everything else with an Upgrade is an ordinary request, and refused as one.
      shouldUpgradeCallback: ({ headers }) =>
        headers.upgrade?.toLowerCase() === 'websocket' &&
        headers['content-length'] === undefined &&
        headers['transfer-encoding'] === undefined,
    },
    configure: (server) => {
      server.on('checkContinue', gateway.handleExpecting);
      // RFC 9110 §10.1.1: another expectation MAY be refused. node:http would, past the log and the flood limit.
      server.on('checkExpectation', gateway.handle);
      server.on('upgrade', (req, socket, head) => answerUpgrade(req, socket, head, gateway, settings));
      refuseConnect(server, settings);
    },
  });

/** node:http hands the bare socket over: a response of our own on it takes the request through all steps. */
const answerUpgrade = (
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  gateway: RequestHandlers,
  { errorTexts }: GatewaySettings,
): void => {
  if (!(socket instanceof Socket)) return void socket.destroy();
  takeOver(socket);
  const res = new ServerResponse(req);
  res.shouldKeepAlive = false;
  if (!takeSocket(res, socket)) {
    refuseDetached(socket, 'a handshake behind a request that has no answer yet', errorTexts);
    return;
  }
  // RFC 6455 §4.1: nothing may be sent before the handshake is answered; what came is read by whoever gets the socket.
  if (head.length > 0) socket.unshift(head);
  res.once('finish', () => endSocket(socket));
  gateway.handleUpgrade(req, res);
};

/** False: the socket is still that of an answer to a request before, whose client did not wait for it. */
const takeSocket = (res: ServerResponse, socket: Socket): boolean => {
  try {
    res.assignSocket(socket);
    return true;
  } catch {
    return false;
  }
};

/** RFC 9110 §9.3.6: CONNECT asks for a tunnel, in which nothing would be checked. */
const refuseConnect = (server: Server, { errorTexts }: GatewaySettings): void => {
  server.on('connect', (_, socket) => {
    if (!(socket instanceof Socket)) return void socket.destroy();
    takeOver(socket);
    refuseDetached(socket, 'CONNECT', errorTexts);
  });
};

/** node:http has taken its listeners off such a socket; an error that nobody listens for would end the process. */
const takeOver = (socket: Socket): void => void socket.on('error', () => socket.destroy());

/** After the answers that are still due on it. Read meanwhile, so that a client that goes away is noticed. */
const refuseDetached = (socket: Socket, reason: string, errorTexts: GatewaySettings['errorTexts']): void => {
  socket.once('end', () => socket.destroy());
  socket.resume();
  answerClientError(new Error(reason), socket, errorTexts);
};
