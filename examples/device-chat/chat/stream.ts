/**
 * New messages as they come, over WebSocket. The token travels as `Sec-WebSocket-Protocol: bearer, <token>`, or `dpop, <token>, <proof>` where it
 * is bound to a key, since a browser can send no other header; it is judged before the handshake is answered, and again for as long as the connection lives.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { Problem } from '@sallyport/contract';
import { type Guard, problemAnswer, type VerifiedToken } from '@sallyport/verify';
import { type WebSocket, WebSocketServer } from 'ws';
import { chatTexts } from './app.ts';
import type { Callers } from './callers.ts';
import { createHandshakeLimit } from './handshake-limit.ts';
import type { Message } from './rooms.ts';

export const streamPath = '/api/messages/stream';

/** What is to become a stream. Whatever else wishes for another protocol, as some clients do for HTTP/2, is a request like any other. */
export const isHandshake = ({ url = '', headers }: IncomingMessage): boolean =>
  url.split('?')[0] === streamPath && headers.upgrade?.toLowerCase() === 'websocket';

export interface Stream {
  /** To every connection of these users. */
  send(roomId: string, message: Message, users: ReadonlySet<string>): void;
  /** Closes what may not live on: expired, or its session ended. */
  cut(): void;
  readonly connections: number;
  close(): void;
}

export interface StreamOptions {
  readonly server: Server;
  readonly callers: Callers;
  readonly guard: Guard;
  readonly nowMs: () => number;
  readonly handshakesPerMinute: number;
  readonly pingSeconds: number;
}

/** RFC 6455 §7.4.2: for private use. Clients log in anew after the one, and refresh after the other. */
export const closeCodes = { ended: 4401, expired: 4408 } as const;
const goingAway = 1001;
const maxPerUser = 20;
/** Whoever does not answer the close is cut off. */
const closeTimeoutMs = 1000;
/** Nobody sends anything here. */
const maxPayloadBytes = 1024;
const expiryCheckMs = 250;
/** A client that does not read is let go. */
const maxBufferedBytes = 1_000_000;

interface Connection {
  readonly socket: WebSocket;
  readonly token: VerifiedToken;
  /** Has answered since the last ping (RFC 6455 §5.5.2), which no script of a page has to do. */
  isAlive: boolean;
}

export const openStream = ({
  server,
  callers,
  guard,
  nowMs,
  handshakesPerMinute,
  pingSeconds,
}: StreamOptions): Stream => {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxPayloadBytes,
    perMessageDeflate: false,
    // The token is never sent back: the answer names the scheme alone.
    handleProtocols: (offered) => (offered.has('dpop') ? 'dpop' : 'bearer'),
  });
  const users = new Map<string, Set<Connection>>();

  const stateOf = ({ subject, expiresAtMs }: VerifiedToken): keyof typeof closeCodes | undefined => {
    const state = callers.revocations?.isRevoked(subject) ?? 'active';
    if (state === 'revoked') return 'ended';
    // Of a stale token the client gets a new one, and of one whose state is not known it has to ask again.
    return state !== 'active' || nowMs() >= expiresAtMs ? 'expired' : undefined;
  };

  const cut = (): void => {
    for (const connections of users.values()) {
      for (const { socket, token } of connections) {
        const why = stateOf(token);
        if (why !== undefined) shut(socket, closeCodes[why], why);
      }
    }
  };

  /** A line that was cut says nothing: without this its stream would stay for as long as the token. */
  const pingAll = (): void => {
    for (const connection of [...users.values()].flatMap((own) => [...own])) {
      if (connection.isAlive) connection.socket.ping();
      else connection.socket.terminate();
      connection.isAlive = false;
    }
  };

  const keep = (socket: WebSocket, token: VerifiedToken): void => {
    const { sub: userId } = token.claims;
    const own = users.get(userId) ?? new Set();
    const connection: Connection = { socket, token, isAlive: true };
    socket.on('pong', () => {
      connection.isAlive = true;
    });
    users.set(userId, own.add(connection));
    const [oldest] = own;
    // Out of the set at once: whoever does not answer the close would count as the oldest until he is cut off.
    if (own.size > maxPerUser && oldest !== undefined && own.delete(oldest))
      shut(oldest.socket, goingAway, 'too many connections');
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      own.delete(connection);
      // One that was put out closes late, and the user may have another set by then.
      if (own.size === 0 && users.get(userId) === own) users.delete(userId);
    });
  };

  // Refused ones by address, good ones by user: behind a proxy all come from one address, and a stranger would lock out everybody.
  const newLimit = () => createHandshakeLimit(handshakesPerMinute, () => performance.now());
  const [ofAddress, ofUser] = [newLimit(), newLimit()];
  const limited = (judged: Judged, address: string): Answer | undefined => {
    const wait = 'refused' in judged ? ofAddress(address) : ofUser(judged.token.claims.sub);
    if (wait === undefined) return 'refused' in judged ? judged.refused : undefined;
    return problemAnswer(
      new Problem('rate_limited', { params: { retryAfterSeconds: wait }, retryAfterSeconds: wait }),
      chatTexts,
    );
  };
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', () => socket.destroy());
    judge(request, callers, guard)
      .then((judged) => {
        const refusal = limited(judged, request.socket.remoteAddress ?? '');
        if (refusal !== undefined || 'refused' in judged) return refusal && refuse(socket, refusal);
        return sockets.handleUpgrade(request, socket, head, (accepted) => keep(accepted, judged.token));
      })
      .catch(() => socket.destroy());
  };
  server.on('upgrade', onUpgrade);
  const timers = [setInterval(cut, expiryCheckMs), setInterval(pingAll, pingSeconds * 1000)];

  return {
    get connections() {
      return [...users.values()].reduce((sum, { size }) => sum + size, 0);
    },
    send: (roomId, message, members) => {
      const text = JSON.stringify({ type: 'message', room_id: roomId, message });
      for (const userId of members) {
        for (const { socket, token } of users.get(userId) ?? []) {
          if (stateOf(token) !== undefined) continue;
          if (socket.bufferedAmount > maxBufferedBytes) socket.terminate();
          else socket.send(text);
        }
      }
    },
    cut,
    close: () => {
      for (const timer of timers) clearInterval(timer);
      server.off('upgrade', onUpgrade);
      for (const { socket } of [...users.values()].flatMap((own) => [...own])) shut(socket, goingAway, 'going away');
      sockets.close();
    },
  };
};

const shut = (socket: WebSocket, code: number, reason: string): void => {
  if (socket.readyState !== socket.OPEN) return;
  socket.close(code, reason);
  setTimeout(() => socket.terminate(), closeTimeoutMs).unref();
};

type Answer = ReturnType<typeof problemAnswer>;
type Judged = { readonly token: VerifiedToken } | { readonly refused: Answer };

const schemeAndToken =
  /^(?:(bearer) *, *([A-Za-z0-9._~+/=-]+)|(dpop) *, *([A-Za-z0-9._~+/=-]+) *, *([A-Za-z0-9._-]+))$/;

/** As any other route judges an `Authorization` and a `DPoP`. */
const judge = async (request: IncomingMessage, { verifier }: Callers, guard: Guard): Promise<Judged> => {
  const offered = schemeAndToken.exec(request.headers['sec-websocket-protocol'] ?? '') ?? [];
  const [, bearer, unbound, dpop, bound, proof] = offered;
  const [scheme, token] = [bearer ?? dpop, unbound ?? bound];
  const headers: Readonly<Record<string, string | undefined>> = {
    authorization: token && `${scheme} ${token}`,
    dpop: proof,
  };
  const values = (name: string): readonly string[] => [headers[name] ?? []].flat();
  const decision = await guard.check({ method: 'GET', target: streamPath, values });
  if (!decision.pass) return { refused: decision.answer };
  const verification = await verifier.verify(token ?? '', scheme === 'dpop' ? 'DPoP' : 'Bearer');
  if (!verification.ok) throw new Error('judged twice, with two results');
  return { token: verification.token };
};

const refuse = (socket: Duplex, { status, headers, body }: Answer): void => {
  const lines = Object.entries({ ...headers, connection: 'close', 'content-length': Buffer.byteLength(body) });
  const head = [`HTTP/1.1 ${status} Refused`, ...lines.map(([name, value]) => `${name}: ${value}`)].join('\r\n');
  // Nobody reads from it any more, so that the other side's end would not be seen: without this it stays open for ever.
  socket.once('finish', () => socket.destroy());
  socket.end(`${head}\r\n\r\n${String(body)}`);
};
