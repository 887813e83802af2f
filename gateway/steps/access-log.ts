/**
 * The steps of a request, one a file, in the order of the array in `app.ts`. A step reads what those before it left in the
 * exchange, writes its own part, and goes on, refuses or answers. Never: calls another step, keeps something of a request
 * beyond its end, or waits where it need not.
 */
import type { TraceContext } from '@sallyport/contract';
import { type Log, logRequest } from '@sallyport/kit/log';
import type { Random } from '@sallyport/kit/random';
import { childOf, newSpanId } from '@sallyport/kit/traceparent';
import type { Tracing } from '@sallyport/kit/tracing';
import type { AddressList } from '../address/address-list.ts';
import { clientAddress, plainAddress } from '../address/client-address.ts';
import type { Exchange, Step } from '../exchange.ts';
import { readInboundHeaders } from '../headers/inbound.ts';
import type { GatewayMetrics } from '../metrics.ts';
import { recordSpans } from '../request-spans.ts';

export interface AccessLogOptions {
  readonly log: Pick<Log, 'info' | 'warn'>;
  readonly metrics: Pick<GatewayMetrics, 'answered' | 'serviceAnswered' | 'spoofed'>;
  readonly random: Random;
  readonly clock: { nowMs(): number };
  readonly trustedProxies: AddressList;
  /** Milliseconds that only grow, for durations. */
  readonly elapsedMs: () => number;
  /** Share of what went well that is logged, 0 to 1. */
  readonly sample: number;
  /** Where spans go; undefined: nowhere. */
  readonly tracing?: Pick<Tracing, 'draws' | 'record'> | undefined;
}

const idLimitCharacters = 128;

/** Names the request, reads its headers, and writes its one line when it has ended, however it ended. */
export const accessLog = (options: AccessLogOptions): Step => {
  const { log, metrics, random, clock, trustedProxies, elapsedMs, sample, tracing } = options;
  const isSampling = sample < 1;

  const countCall = ({ route, upstreamSentMs, upstreamAnsweredMs }: Exchange): void => {
    if (route?.kind !== 'proxy' || upstreamAnsweredMs === 0) return;
    metrics.serviceAnswered(route.upstream.id, upstreamAnsweredMs - upstreamSentMs);
  };

  const end = (exchange: Exchange): void => {
    const { req, res } = exchange;
    if (!res.writableFinished) exchange.underWay?.cancel();
    const status = res.headersSent ? res.statusCode : 499;
    const durationMs = elapsedMs() - exchange.startedMs;
    const route = exchange.route?.name ?? 'none';
    metrics.answered(route, status, exchange.decision, durationMs);
    metrics.spoofed(exchange.headers.reserved);
    countCall(exchange);
    if (req.rawTrailers.length > 0) metrics.spoofed(readInboundHeaders(req.rawTrailers).reserved);
    if (tracing !== undefined && exchange.trace?.sampled) {
      recordSpans(tracing, exchange, { status, startedAtMs: clock.nowMs() - durationMs, durationMs });
    }
    const isSampled = isSampling && status < 400 && exchange.decision === 'pass' && res.writableFinished;
    if (isSampled && drawOf(exchange.requestId) >= sample) return;
    logRequest(log, {
      requestId: exchange.requestId,
      traceId: exchange.trace?.traceId,
      spanId: exchange.trace?.spanId,
      method: exchange.method,
      target: exchange.rawTarget,
      status,
      durationMs,
      address: exchange.address,
      agent: exchange.headers.agent[0],
      fields: isSampled ? { ...fieldsOf(exchange), sample } : fieldsOf(exchange),
    });
  };

  /**
   * A client may ask to be recorded, and is not heard, here nor by the services behind: what is recorded costs. Of a proxy that is
   * trusted it is the proxy's decision.
   */
  const beginTrace = (exchange: Exchange, trace: TraceContext): void => {
    const { req, headers } = exchange;
    const tells = trace.sampled || headers.traceContext.length > 0;
    const isTrusted = tells && trustedProxies.has(plainAddress(req.socket.remoteAddress ?? '::'));
    // W3C Trace Context §3.3: without a good traceparent there is no tracestate; what belongs to another trace goes with it.
    if (headers.traceContext.length > 0 && (!isTrusted || trace.parentSpanId === undefined))
      exchange.headers = { ...headers, traceContext: [] };
    const isDrawn = tracing?.draws(trace.spanId) === true;
    const sampled = (trace.sampled && isTrusted) || isDrawn;
    exchange.trace = sampled === trace.sampled ? trace : { ...trace, sampled };
    if (tracing !== undefined && sampled) exchange.upstreamSpanId = newSpanId(random);
  };

  const run = (exchange: Exchange): undefined => {
    const { req, res } = exchange;
    const headers = readInboundHeaders(req.rawHeaders);
    exchange.headers = headers;
    exchange.requestId = random.uuidv7(clock.nowMs());
    beginTrace(exchange, childOf(headers.traceparent.length > 1 ? undefined : headers.traceparent[0], random));
    exchange.address = clientAddress(req.socket.remoteAddress ?? '::', headers.forwardedFor, trustedProxies);
    exchange.responseHeaders.push('x-request-id', exchange.requestId);
    // After the last byte, and also when the client goes away before it.
    res.once('close', () => end(exchange));
  };
  return { name: 'access log', run };
};

/** RFC 9562 §5.7: the last bits of a UUIDv7 are random, so the id that was made anyhow is the draw. From 0 up to below 1. */
const drawOf = (requestId: string): number =>
  Number.parseInt(requestId.slice(-drawnHexDigits), 16) / 16 ** drawnHexDigits;
const drawnHexDigits = 8;

/** The client's request id is logged and nothing else: it is the client's. */
const fieldsOf = ({ route, decision, token, headers, asked }: Exchange) => ({
  route: route?.name,
  decision: decision === 'pass' ? undefined : decision,
  user: token?.claims.sub,
  forwardAuth: asked === undefined ? undefined : true,
  clientRequestId: headers.requestId[0]?.slice(0, idLimitCharacters),
});
