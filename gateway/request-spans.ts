import { openTracing, type Tracing } from '@sallyport/kit/tracing';
import type { GatewaySettings } from './config.ts';
import type { Exchange } from './exchange.ts';

export interface RequestEnd {
  readonly status: number;
  /** By the wall clock. */
  readonly startedAtMs: number;
  readonly durationMs: number;
}

/** Undefined: nobody wants spans. */
export const openSpans = async (
  settings: Pick<GatewaySettings, 'tracesUrl' | 'tracesSample' | 'serviceName'>,
): Promise<Tracing | undefined> => {
  const { tracesUrl: url, tracesSample: ratio, serviceName } = settings;
  return url === undefined ? undefined : openTracing({ url, serviceName, ratio });
};

/** The spans of a request that has ended: its own, and that of the call to its service. No path, no query, no header, no user: what a client writes stays here. */
export const recordSpans = (tracing: Pick<Tracing, 'record'>, exchange: Exchange, end: RequestEnd): void => {
  const { trace, method, route, decision, address, requestId } = exchange;
  if (trace === undefined) return;
  const { traceId, spanId, parentSpanId } = trace;
  const { status, startedAtMs, durationMs } = end;
  tracing.record({
    name: route === undefined ? method : `${method} ${route.name}`,
    kind: 'server',
    ...{ traceId, spanId, parentSpanId, startedAtMs, durationMs },
    attributes: {
      'http.request.method': method,
      'http.response.status_code': status,
      'http.route': route?.name,
      'client.address': address,
      'sallyport.decision': decision,
      'sallyport.request_id': requestId,
    },
    // Semantic conventions for HTTP: of a server span, 4xx is no error.
    isError: status >= 500,
  });
  if (exchange.upstreamSentMs > 0) recordCall(tracing, exchange, end);
};

/** Until the head of the answer; without one, until the request's end. */
const recordCall = (tracing: Pick<Tracing, 'record'>, exchange: Exchange, end: RequestEnd): void => {
  const { trace, method, route, startedMs, upstreamSentMs, upstreamAnsweredMs, upstreamSpanId } = exchange;
  if (trace === undefined || route?.kind !== 'proxy' || upstreamSpanId === '') return;
  const isAnswered = upstreamAnsweredMs > 0;
  const endedMs = isAnswered ? upstreamAnsweredMs : startedMs + end.durationMs;
  tracing.record({
    name: `${method} ${route.upstream.id}`,
    kind: 'client',
    traceId: trace.traceId,
    spanId: upstreamSpanId,
    parentSpanId: trace.spanId,
    startedAtMs: end.startedAtMs + (upstreamSentMs - startedMs),
    durationMs: endedMs - upstreamSentMs,
    attributes: {
      'http.request.method': method,
      'http.response.status_code': isAnswered ? end.status : undefined,
      'sallyport.service': route.upstream.id,
    },
    // Of a client span, 4xx is one.
    isError: !isAnswered || end.status >= 400,
  });
};
