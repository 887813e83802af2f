/**
 * Entry `@sallyport/verify/trace`: a service's own spans through the OpenTelemetry API that it already has. Nothing is loaded here: the
 * API is handed in, and without an SDK behind it all of this costs next to nothing and sends nothing.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context, Span, SpanContext } from '@opentelemetry/api';
import type { TraceContext } from '@sallyport/contract';
import type { Caller } from '../guard/guard.ts';
import { callersTrace, noteOwnSpan, type TracedRequest } from './trace-of.ts';

/** `import * as api from '@opentelemetry/api'`; what is used of it. */
export type OpenTelemetryApi = Pick<typeof import('@opentelemetry/api'), 'trace' | 'context' | 'ROOT_CONTEXT'>;

export interface ServedRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Whom the guard let in: where that is nobody whom the gateway vouches for, the trace of the request is a stranger's. */
  readonly caller: Caller;
  /** The pattern of the route, asked for at the end. Never the target: it may hold what nobody else is to read. */
  readonly route?: () => string | undefined;
}

/** Values of the API's enumerations, which are part of its contract. */
const serverKind = 1;
const errorStatus = 2;
const sampledFlag = 1;

/**
 * Makes the function that runs the rest of a request within a server span. Put it behind the guard and behind what reads bodies. A
 * request that the gateway vouches for is in the gateway's trace, recorded as that was; any other begins its own, which names the other
 * as a link, so that nobody from outside chooses what is recorded. Where an instrumentation has begun a span already, that one stays.
 */
export const traceRequests = (api: OpenTelemetryApi): (<T>(served: ServedRequest, next: () => T) => T) => {
  const tracer = api.trace.getTracer('@sallyport/verify');
  return (served, next) => {
    const { request, caller } = served;
    const active = api.trace.getActiveSpan();
    if (active !== undefined) {
      note(request, active);
      return next();
    }
    const trace = callersTrace(request);
    const remote = trace && remoteContext(trace);
    const isVouchedFor = caller?.gateway !== undefined;
    const above: Context =
      remote !== undefined && isVouchedFor ? api.trace.setSpanContext(api.ROOT_CONTEXT, remote) : api.ROOT_CONTEXT;
    const span = tracer.startSpan(
      methodOf(request),
      {
        kind: serverKind,
        attributes: { 'http.request.method': methodOf(request) },
        ...(remote !== undefined && !isVouchedFor && { links: [{ context: remote }] }),
      },
      above,
    );
    note(request, span);
    endWith(served, span);
    return api.context.with(api.trace.setSpan(above, span), next);
  };
};

const note = (request: TracedRequest, span: Span): void => {
  const { traceId, spanId, traceFlags } = span.spanContext();
  // Without an SDK a span that nobody above began has no ids.
  if (!/^0+$/.test(traceId)) noteOwnSpan(request, { traceId, spanId, sampled: (traceFlags & sampledFlag) !== 0 });
};

const endWith = ({ request, response, route }: ServedRequest, span: Span): void => {
  // After the last byte, and also when the client goes away before it.
  response.once('close', () => {
    const pattern = route?.();
    if (pattern !== undefined) {
      span.updateName(`${methodOf(request)} ${pattern}`);
      span.setAttribute('http.route', pattern);
    }
    if (response.headersSent) span.setAttribute('http.response.status_code', response.statusCode);
    if (response.statusCode >= 500) span.setStatus({ code: errorStatus });
    span.end();
  });
};

const methodOf = ({ method = '' }: IncomingMessage): string => method;

const remoteContext = ({ traceId, spanId, sampled }: TraceContext): SpanContext => ({
  ...{ traceId, spanId, isRemote: true },
  traceFlags: sampled ? sampledFlag : 0,
});
