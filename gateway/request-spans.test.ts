import {
  attributeOf,
  startCollector as openCollector,
  type CollectedSpan as Span,
} from '@sallyport/kit/testing/collector';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bearer, type Seen, send, startGateway, valuesOf } from './testing/rig.ts';

const startCollector = async () => {
  const collector = await openCollector();
  onTestFinished(() => collector.close());
  return collector;
};

const path = '/api/v1/users/profile?secret=in-the-query';
const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const sampledParent = `00-${trace}-00f067aa0ba902b7-01`;

const startTraced = async (settings: Readonly<Record<string, string>> = {}) => {
  const collector = await startCollector();
  const gateway = await startGateway({
    ...{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER_ARG: '1' },
    ...settings,
  });
  return { collector, gateway };
};

describe('spans', () => {
  it('tell of the request and of the call to its service, which continues the trace', async () => {
    const { collector, gateway } = await startTraced();
    const answer = await send(gateway, path, { headers: { ...bearer(), traceparent: sampledParent } });
    const [told = ''] = valuesOf(JSON.parse(answer.body) as Seen, 'traceparent');
    await gateway.stop();
    const [request, call] = [1, 2].map((kind) => collector.spans.find((span) => span.kind === kind + 1));
    if (request === undefined || call === undefined) throw new Error(`spans: ${JSON.stringify(collector.spans)}`);
    expect(request).toMatchObject({ traceId: trace, parentSpanId: '00f067aa0ba902b7', name: 'GET /api/v1/users/*' });
    expect(call).toMatchObject({ traceId: trace, parentSpanId: request.spanId, name: 'GET user-service' });
    expect(told).toBe(`00-${trace}-${call.spanId}-01`);
    expect(attributeOf(request, 'http.response.status_code')).toEqual({ intValue: 200 });
    expect(BigInt(call.startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(request.startTimeUnixNano) - 1_000_000n);
    expect(BigInt(call.endTimeUnixNano)).toBeLessThanOrEqual(BigInt(request.endTimeUnixNano) + 1_000_000n);
    expect(collector.texts.join('')).not.toMatch(/in-the-query|users\/profile|Bearer|eyJ/);
  });

  it("hold nothing of the target: neither secrets in it nor its length are the collector's", async () => {
    const { collector, gateway } = await startTraced();
    await send(gateway, `/api/v1/users/${'a'.repeat(900)}/ann@example.org`, { headers: bearer() });
    await gateway.stop();
    expect(collector.spans).toHaveLength(2);
    expect(collector.texts.join('')).not.toMatch(/aaaa|example\.org/);
  });

  it('of what was refused tell why, and of no call', async () => {
    const { collector, gateway } = await startTraced();
    await send(gateway, path);
    await gateway.stop();
    expect(collector.spans.map(({ kind }) => kind)).toEqual([2]);
    expect(attributeOf(collector.spans[0] as Span, 'sallyport.decision')).toEqual({ stringValue: 'token_missing' });
  });

  it('are not had by asking: only a trusted proxy chooses what is recorded', async () => {
    const untold = await startTraced({ OTEL_TRACES_SAMPLER_ARG: '0' });
    const answer = await send(untold.gateway, path, { headers: { ...bearer(), traceparent: sampledParent } });
    expect(valuesOf(JSON.parse(answer.body) as Seen, 'traceparent')[0]).toMatch(
      new RegExp(`^00-${trace}-[0-9a-f]{16}-00$`),
    );
    const told = await startTraced({ OTEL_TRACES_SAMPLER_ARG: '0', TRUSTED_PROXIES: '127.0.0.1' });
    await send(told.gateway, path, { headers: { ...bearer(), traceparent: sampledParent } });
    await Promise.all([untold.gateway.stop(), told.gateway.stop()]);
    expect([untold.collector.spans.length, told.collector.spans.length]).toEqual([0, 2]);
  });

  it('that nobody takes hold nobody up', async () => {
    const gateway = await startGateway({
      ...{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:9/v1/traces', OTEL_TRACES_SAMPLER_ARG: '1' },
    });
    const statuses = await Promise.all(
      Array.from({ length: 50 }, async () => (await send(gateway, path, { headers: bearer() })).status),
    );
    expect(statuses.every((status) => status === 200)).toBe(true);
    const began = performance.now();
    await gateway.stop();
    expect(performance.now() - began).toBeLessThan(4000);
  });
});

describe('metrics', () => {
  it('tell how long services take, by service', async () => {
    const gateway = await startGateway();
    await send(gateway, path, { headers: bearer() });
    const metrics = await (await fetch(`${gateway.privateUrl}/metrics`)).text();
    expect(metrics).toContain('sallyport_gateway_upstream_duration_seconds_count{service="user-service"} 1');
  });
});
