/**
 * The trace that a request belongs to. The gateway sends a `traceparent` with every request, so that one id stands in the log lines
 * of all servers that it passed. It tells where a request came from and nothing about who sent it: never a ground for a decision.
 */
import { formatTraceparent, parseTraceparent, type TraceContext } from '@sallyport/contract';

/** A request of `node:http`, of a framework on it, or of the fetch API. */
export interface TracedRequest {
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** Spans that `traceRequests` began. */
const own: WeakMap<object, TraceContext> = new WeakMap();

export const noteOwnSpan = (request: object, span: TraceContext): void => void own.set(request, span);

/** The service's own span where there is one, else that of the caller; `undefined` without a good `traceparent`. */
export const traceOf = (request: TracedRequest): TraceContext | undefined => own.get(request) ?? callersTrace(request);

export const callersTrace = ({ headers }: TracedRequest): TraceContext | undefined =>
  parseTraceparent(headers instanceof Headers ? (headers.get('traceparent') ?? undefined) : headers['traceparent']);

/** For log lines; empty without a trace. */
export const traceFields = (request: TracedRequest): { readonly traceId?: string; readonly spanId?: string } => {
  const trace = traceOf(request);
  return trace === undefined ? {} : { traceId: trace.traceId, spanId: trace.spanId };
};

/** The header of a call that this request makes to another service: `{ traceparent }`, or nothing. */
export const traceHeaders = (request: TracedRequest): { readonly traceparent?: string } => {
  const trace = traceOf(request);
  return trace === undefined ? {} : { traceparent: formatTraceparent(trace) };
};
