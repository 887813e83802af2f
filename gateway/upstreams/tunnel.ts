import { createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { Problem } from '@sallyport/contract';
import type { Refuse } from '../dispatcher.ts';
import type { Exchange } from '../exchange.ts';
import { readOutboundHeaders } from '../headers/outbound.ts';
import { ConnectionLost } from '../http1/connection.ts';
import { openSocket } from '../http1/open-socket.ts';
import { ServiceTimeout } from '../http1/pool.ts';
import { requestHead } from '../http1/request-head.ts';
import { parseHead, ResponseParser } from '../http1/response-parser.ts';
import { endSocket } from '../linger.ts';
import { allOut, isOutage, tooMany, upstreamProblem } from './failure.ts';
import type { Upstream } from './upstream.ts';

export interface TunnelRequest {
  readonly upstream: Upstream;
  /** Name, value, …: everything that is sent but `host`, `connection` and `upgrade`. */
  readonly headers: readonly string[];
  /** Cookies that this service may not set. */
  readonly keptCookies: readonly string[];
  /** Called once, when both sides have ended. */
  readonly onEnd: (exchange: Exchange) => void;
  readonly refuse: Refuse;
}

const maxHeadBytes = 32_768;
const maxEarlyBytes = 65_536;
const handshakeLimitMs = 10_000;
/** RFC 6455 §1.3 */
const keySuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** RFC 6455 §5.5.1 and §7.4.1: an unmasked close frame, 1008 (policy violation) and 1001 (going away). */
const closeFrames = { refused: Buffer.from([0x88, 0x02, 0x03, 0xf0]), away: Buffer.from([0x88, 0x02, 0x03, 0xe9]) };

/**
 * A WebSocket through the gateway: the handshake is judged like any request, then bytes go both ways. The service's answer has to
 * be a true acceptance (RFC 6455 §4.1), so that no other answer can become a tunnel past every step.
 */
export const openTunnel = (
  exchange: Exchange,
  { upstream, headers, keptCookies, onEnd, refuse }: TunnelRequest,
): void => {
  const { req, res, forwardTarget } = exchange;
  const client = req.socket;
  const target = upstream.tunnels < upstream.maxPending ? upstream.choose() : undefined;
  if (target === undefined) {
    onEnd(exchange);
    refuse(exchange, upstream.tunnels < upstream.maxPending ? allOut() : tooMany());
    return;
  }
  const { address, answers } = target;
  const service = openSocket(address);
  let received = Buffer.alloc(0);
  let isOpen = false;
  let isDone = false;
  upstream.tunnels += 1;
  target.pending += 1;

  const finish = (): void => {
    if (isDone) return;
    isDone = true;
    clearTimeout(limit);
    upstream.tunnels -= 1;
    target.pending -= 1;
    onEnd(exchange);
    service.destroy();
  };
  const fail = (error: unknown): void => {
    if (isDone) return;
    if (isOutage(error)) target.failed(answers);
    finish();
    if (res.headersSent) client.destroy();
    else refuse(exchange, upstreamProblem(error));
  };
  const limit = setTimeout(() => fail(new ServiceTimeout('HTTP1_ANSWER_TIMEOUT')), handshakeLimitMs);

  exchange.isEndless = true;
  const cancel = (): void => {
    if (client.destroyed) finish();
    else if (!isOpen) fail(new Problem('not_ready', { params: { retryAfterSeconds: 1 }, retryAfterSeconds: 1 }));
    else {
      finish();
      // Unless it has just been told that the gateway stops.
      if (client.writable) endSocket(client, closeFrames.refused);
    }
  };
  exchange.underWay = { cancel };
  /** A client that goes before it has an answer: half of its connection would stay for ever. */
  const leave = (): void => {
    finish();
    client.destroy();
  };
  // Read, so that a client that goes away is noticed; what it sends too early is kept for the service.
  const early: Buffer[] = [];
  const onEarly = (chunk: Buffer): void => {
    early.push(chunk);
    if (early.reduce((sum, { length }) => sum + length, 0) > maxEarlyBytes) client.destroy();
  };
  client.on('data', onEarly);
  client.once('end', leave);
  client.once('close', finish);
  service.once('error', (error: NodeJS.ErrnoException) =>
    fail(new ConnectionLost(error.code ?? 'ECONNRESET', false, error)),
  );
  service.once('close', () => fail(new ConnectionLost('ECONNRESET', false)));
  service.once(address.isTls ? 'secureConnect' : 'connect', () => {
    try {
      const upgraded = [...headers, 'connection', 'Upgrade', 'upgrade', 'websocket'];
      const request = { method: 'GET', target: forwardTarget, headers: upgraded, body: null };
      service.write(requestHead(request, address.hostHeader), 'latin1');
    } catch (error) {
      fail(error);
    }
  });

  const accept = (raw: readonly string[], first: Buffer): void => {
    const passing = readOutboundHeaders(raw, 101, keptCookies) ?? [];
    for (const part of exchange.responseHeaders) passing.push(part);
    res.writeHead(101, [...passing, 'connection', 'Upgrade', 'upgrade', 'websocket']);
    res.flushHeaders();
    isOpen = true;
    clearTimeout(limit);
    if (first.length > 0) client.write(first);
    client.pause();
    client.off('data', onEarly);
    client.off('end', leave);
    for (const chunk of early) service.write(chunk);
    join(client, service, finish);
  };

  /** The service does not want a WebSocket: its answer is an ordinary one. */
  const passOn = (first: Buffer): void => {
    const answer = new ResponseParser({
      onHead: ({ status, headers: raw }) => {
        const passing = readOutboundHeaders(raw, status, keptCookies) ?? [];
        for (const part of exchange.responseHeaders) passing.push(part);
        res.writeHead(status, passing);
      },
      onBody: (part) => {
        res.write(part);
        if (!client.writableNeedDrain) return;
        service.pause();
        client.once('drain', () => service.resume());
      },
      onEnd: () => {
        res.end();
        finish();
      },
    });
    answer.reset('GET');
    const feed = (chunk: Buffer): void => {
      try {
        if (!answer.hasEnded) answer.feed(chunk);
      } catch (error) {
        fail(error);
      }
    };
    feed(first);
    service.on('data', feed);
    service.once('end', () => void answer.end());
    service.resume();
  };

  const onHandshake = (chunk: Buffer): void => {
    received = Buffer.concat([received, chunk]);
    const end = received.indexOf('\r\n\r\n');
    if (end < 0 && received.length <= maxHeadBytes) return;
    service.off('data', onHandshake);
    service.pause();
    try {
      if (end < 0 || end > maxHeadBytes) throw new Error('the head of the handshake is too long');
      const { status, headers: raw } = parseHead(received.toString('latin1', 0, end));
      target.answered();
      if (status !== 101) passOn(received);
      else if (isAcceptance(raw, req.headers['sec-websocket-key'])) accept(raw, received.subarray(end + 4));
      else throw new Error('the service switched to something else than what was asked for');
    } catch (error) {
      fail(error);
    }
  };
  service.on('data', onHandshake);
};

/** Says goodbye to a client whose gateway stops. */
export const sayGoingAway = (client: Duplex): void => endSocket(client, closeFrames.away);

/** RFC 6455 §4.1: both headers, and the key's own answer. */
const isAcceptance = (raw: readonly string[], key: string | undefined): boolean => {
  const expected = createHash('sha1')
    .update(`${key ?? ''}${keySuffix}`)
    .digest('base64');
  const headerOf = (name: string): string | undefined => {
    const at = raw.findIndex((part, index) => index % 2 === 0 && part.toLowerCase() === name);
    return at < 0 ? undefined : raw[at + 1];
  };
  return headerOf('upgrade')?.toLowerCase() === 'websocket' && headerOf('sec-websocket-accept') === expected;
};

/** Bytes both ways with back-pressure, until one side ends. */
const join = (client: Duplex, service: Duplex, finish: () => void): void => {
  client.pipe(service);
  service.pipe(client);
  service.once('end', () => client.end());
  service.once('close', () => client.end());
  client.once('error', finish);
  client.resume();
  service.resume();
};
