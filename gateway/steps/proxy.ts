import { formatTraceparent, type TraceContext } from '@sallyport/contract';
import type { AddressList } from '../address/address-list.ts';
import { plainAddress } from '../address/client-address.ts';
import type { Refuse } from '../dispatcher.ts';
import type { Exchange, Outcome, Step } from '../exchange.ts';
import { hasBody } from '../headers/inbound.ts';
import { stripCookies } from '../headers/strip-cookies.ts';
import type { OpenExchanges } from '../open-exchanges.ts';
import type { ProxyRoute } from '../route-table.ts';
import { overloaded, Relay } from '../upstreams/relay.ts';
import { RequestBody } from '../upstreams/request-body.ts';
import { openTunnel } from '../upstreams/tunnel.ts';

export interface ProxyOptions {
  /** Cookies that go to the issuer alone. */
  readonly authCookies: readonly string[];
  /** Name in `Via`. */
  readonly gatewayId: string;
  /** What the gateway's own door speaks. */
  readonly protocol: 'http' | 'https';
  readonly trustedProxies: AddressList;
  readonly openExchanges: Pick<OpenExchanges, 'add' | 'remove'>;
  /** Milliseconds that only grow. */
  readonly elapsedMs: () => number;
  readonly refuse: Refuse;
}

/** Sends the request to its service and streams the answer back. Always the last step. */
export const proxy = (options: ProxyOptions): Step => {
  const { authCookies, gatewayId, protocol, trustedProxies, openExchanges, elapsedMs, refuse } = options;
  // RFC 9110 §7.6.3: a gateway MUST send Via in each inbound request.
  const via = `1.1 ${gatewayId}`;

  const addCredentials = (out: string[], { headers }: Exchange, { upstream, forwardAuthorization }: ProxyRoute) => {
    const { isIssuer } = upstream;
    if (isIssuer || forwardAuthorization) {
      pushAll(out, 'authorization', headers.authorization);
      pushAll(out, 'dpop', headers.dpop);
    }
    if (isIssuer) pushAll(out, 'x-csrf-token', headers.csrf);
    pushAll(out, 'cookie', isIssuer ? headers.cookie : stripCookies(headers.cookie, authCookies));
  };

  const addForwarded = (out: string[], { req, address, headers }: Exchange): void => {
    out.push(
      'x-forwarded-for',
      address,
      'x-forwarded-proto',
      protocolOf(req.socket.remoteAddress, headers.forwardedProto),
    );
    const [host] = headers.host;
    if (host !== undefined) out.push('x-forwarded-host', host);
  };

  /** A trusted proxy that ended TLS says so; nobody else is asked. */
  const protocolOf = (socketAddress: string | undefined, told: readonly string[]): string => {
    const [proto] = told;
    const isTold = told.length === 1 && (proto === 'https' || proto === 'http');
    return isTold && socketAddress !== undefined && trustedProxies.has(plainAddress(socketAddress)) ? proto : protocol;
  };

  const upstreamHeaders = (exchange: Exchange, route: ProxyRoute): string[] => {
    const out = [...exchange.headers.pass];
    pushAll(out, 'content-length', exchange.headers.contentLength);
    addCredentials(out, exchange, route);
    addForwarded(out, exchange);
    out.push('via', via, 'x-request-id', exchange.requestId);
    if (exchange.trace !== undefined) out.push('traceparent', traceOfCall(exchange.trace, exchange.upstreamSpanId));
    for (const part of exchange.headers.traceContext) out.push(part);
    for (const part of exchange.identityHeaders) out.push(part);
    return out;
  };

  const run = (exchange: Exchange): Outcome => {
    const { req, res, route } = exchange;
    if (route?.kind !== 'proxy') return undefined;
    const tooMany = overloaded(route.upstream);
    if (tooMany !== undefined) return tooMany;
    // The client went away while an earlier step waited.
    if (res.destroyed) return 'taken';
    const keptCookies = route.upstream.isIssuer ? none : authCookies;
    if (exchange.isUpgrade) {
      openExchanges.add(exchange);
      const headers = upstreamHeaders(exchange, route);
      openTunnel(exchange, { upstream: route.upstream, headers, keptCookies, onEnd: openExchanges.remove, refuse });
      return 'taken';
    }
    const body = hasBody(exchange.headers) ? new RequestBody(req, route.bodyLimitBytes) : null;
    const headers = upstreamHeaders(exchange, route);
    const { upstream, timeoutMs: answerTimeoutMs } = route;
    const request = { upstream, headers, body, keptCookies, answerTimeoutMs, elapsedMs, onEnd: openExchanges.remove };
    const relay = new Relay(exchange, request, refuse);
    exchange.underWay = relay;
    openExchanges.add(exchange);
    relay.send();
    return 'taken';
  };
  return { name: 'proxy', run };
};

/** A call that is recorded has a span of its own, below the request's. */
const traceOfCall = (trace: TraceContext, spanId: string): string =>
  formatTraceparent(spanId === '' ? trace : { ...trace, spanId });

const none: readonly string[] = Object.freeze([]);

const pushAll = (out: string[], name: string, values: readonly string[]): void => {
  for (const value of values) out.push(name, value);
};
