/**
 * Spans of requests, sent in batches to an OpenTelemetry collector (OTLP over HTTP). Loaded only where it is asked for: the libraries
 * cost memory, and a server without a collector pays nothing. Never: delays a request, keeps more than a bounded number of spans, or
 * propagates a context by itself; `traceparent.ts` and `spans.ts` do.
 * Semantic conventions: https://opentelemetry.io/docs/specs/semconv/http/http-spans/.
 */
import type { HrTime, Link } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';

export interface TracingOptions {
  /** Where spans go, path included: `http://collector:4318/v1/traces`. */
  readonly url: string;
  /** `service.name`. */
  readonly serviceName: string;
  /** Share of requests that are recorded, 0 to 1. */
  readonly ratio: number;
}

/** A span that has ended. */
export interface EndedSpan {
  readonly name: string;
  readonly kind: 'server' | 'client' | 'internal' | 'producer';
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string | undefined;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly attributes: Readonly<Record<string, string | number | undefined>>;
  readonly isError: boolean;
}

export interface Tracing {
  /** Whether a request is recorded, by a span id that was drawn here: a client that chooses its trace id chooses nothing by it. */
  draws(spanId: string): boolean;
  /** Hands a span over; beyond the bound of what waits it is dropped. Never throws, never waits. */
  record(span: EndedSpan): void;
  /** Sends what waits, for two seconds at most. */
  close(): Promise<void>;
}

/** So many spans wait at most: with a collector that is down, memory stays where it is. */
const maxWaiting = 2048;
const exportTimeoutMs = 5000;
const closeLimitMs = 2000;

export const openTracing = async ({ url, serviceName, ratio }: TracingOptions): Promise<Tracing> => {
  const [{ SpanKind, SpanStatusCode, TraceFlags }, { BatchSpanProcessor }, { OTLPTraceExporter }, resources] =
    await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ]);
  const resource = resources.resourceFromAttributes({ 'service.name': serviceName });
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: exportTimeoutMs });
  const processor = new BatchSpanProcessor({
    exporter,
    maxQueueSize: maxWaiting,
    exportTimeoutMillis: exportTimeoutMs,
  });
  const kinds = {
    server: SpanKind.SERVER,
    client: SpanKind.CLIENT,
    internal: SpanKind.INTERNAL,
    producer: SpanKind.PRODUCER,
  } as const;
  const contextOf = (traceId: string, spanId: string) => ({ traceId, spanId, traceFlags: TraceFlags.SAMPLED });
  const drawnBelow = ratio * 2 ** 32;

  const readable = (span: EndedSpan): ReadableSpan => {
    const { name, kind, traceId, spanId, parentSpanId, startedAtMs, durationMs, attributes, isError } = span;
    return {
      name,
      kind: kinds[kind],
      spanContext: () => contextOf(traceId, spanId),
      ...(parentSpanId !== undefined && {
        parentSpanContext: { ...contextOf(traceId, parentSpanId), isRemote: kind === 'server' },
      }),
      startTime: hrTime(startedAtMs),
      endTime: hrTime(startedAtMs + durationMs),
      duration: hrTime(durationMs),
      status: { code: isError ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
      attributes: Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined)),
      ...{ links: noLinks, events: [], ended: true, resource, instrumentationScope: { name: 'sallyport' } },
      ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
    };
  };
  return Object.freeze<Tracing>({
    draws: (spanId) => Number.parseInt(spanId.slice(0, 8), 16) < drawnBelow,
    record: (span) => processor.onEnd(readable(span)),
    close: async () => {
      const closed = processor.shutdown().catch(() => undefined);
      const limit = Promise.withResolvers<undefined>();
      const timer = setTimeout(limit.resolve, closeLimitMs);
      await Promise.race([closed, limit.promise]);
      clearTimeout(timer);
    },
  });
};

const noLinks: Link[] = [];

const hrTime = (ms: number): HrTime => {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
};
