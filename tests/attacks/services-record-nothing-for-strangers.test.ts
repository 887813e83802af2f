import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as api from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  InMemorySpanExporter,
  ParentBasedSampler,
  type Sampler,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { type Caller, traceFields } from '@sallyport/verify';
import { traceRequests } from '@sallyport/verify/trace';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
const vouchedFor = { kind: 'anonymous', gateway: 'gateway', clientAddress: '192.0.2.7' } as Caller;
/** A bearer's, whom no gateway has let through; and nobody, on a route without a guard. */
const strangers = [{ kind: 'user', userId: 'u', gateway: undefined } as Caller, undefined];

afterEach(() => {
  api.trace.disable();
  api.context.disable();
});

/** What a service with an OpenTelemetry SDK records of one request; `root`: its own choice where nobody else has chosen. */
const recorded = async (caller: Caller, root: Sampler, isInstrumented = false) => {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({
    sampler: new ParentBasedSampler({ root }),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  });
  api.trace.disable();
  api.trace.setGlobalTracerProvider(provider);
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const traced = traceRequests(api);
  let fields: object = {};
  const server = createServer((request, response) => {
    const serve = () =>
      traced({ request, response, caller, route: () => '/x' }, () => {
        fields = traceFields(request);
        response.writeHead(503).end();
      });
    if (!isInstrumented) serve();
    else
      api.trace.getTracer('http').startActiveSpan('of the instrumentation', (span) => {
        serve();
        span.end();
      });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const headers = { traceparent, connection: 'close' };
  await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/x?secret=1`, { headers });
  server.close();
  await once(server, 'close');
  await provider.forceFlush();
  return { spans: exporter.getFinishedSpans(), fields };
};

describe('traceRequests', () => {
  it('hears the gateway, and tells pattern and status', async () => {
    const { spans, fields } = await recorded(vouchedFor, new AlwaysOffSampler());
    expect(spans).toHaveLength(1);
    const [span] = spans;
    expect(span?.name).toBe('GET /x');
    expect(span?.parentSpanContext?.spanId).toBe('00f067aa0ba902b7');
    expect(fields).toEqual({ traceId, spanId: span?.spanContext().spanId });
    expect(span?.attributes).toEqual({
      'http.request.method': 'GET',
      'http.route': '/x',
      'http.response.status_code': 503,
    });
    expect(span?.status.code).toBe(api.SpanStatusCode.ERROR);
  });

  it.each(strangers)('records nothing because a stranger asks, and begins no span in his trace: %j', async (caller) => {
    expect((await recorded(caller, new AlwaysOffSampler())).spans).toEqual([]);
    const { spans } = await recorded(caller, new AlwaysOnSampler());
    expect(spans.map((span) => [span.spanContext().traceId === traceId, span.parentSpanContext])).toEqual([
      [false, undefined],
    ]);
    expect(spans[0]?.links.map(({ context }) => context.traceId)).toEqual([traceId]);
  });

  it('makes no second span where an instrumentation has begun one', async () => {
    const { spans, fields } = await recorded(vouchedFor, new AlwaysOnSampler(), true);
    expect(spans.map(({ name }) => name)).toEqual(['of the instrumentation']);
    expect(fields).toMatchObject({ spanId: spans[0]?.spanContext().spanId });
  });
});
