/** One trace through all parts: a client, the gateway, the issuer with its store, and a service with spans of its own. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as otel from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { createApiClient, createTokenManager, memoryStore } from '@sallyport/client';
import { type RequestTrace, tracedFetch } from '@sallyport/client/traced-fetch';
import { attributeOf, type CollectedSpan, type Collector, startCollector } from '@sallyport/kit/testing/collector';
import { createGuard, traceFields, traceHeaders } from '@sallyport/verify';
import { guardNode } from '@sallyport/verify/node';
import { traceRequests } from '@sallyport/verify/trace';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChildServer } from '../testing/child-server.ts';
import { httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { type Installation, newInstallation, startGateway } from '../testing/microservices.ts';
import { newPerson, type Person, register } from '../testing/people.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const click = `00-${traceId}-00f067aa0ba902b7-00`;

interface Seen {
  readonly fields: { readonly traceId?: string; readonly spanId?: string };
  readonly traceparent: string | undefined;
}

/** A service as anybody would write it: its own OpenTelemetry SDK, the guard, and spans behind the guard. */
const startService = async (keys: string, collectorUrl: string) => {
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'user-service' }),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: collectorUrl }) })],
  });
  otel.trace.setGlobalTracerProvider(provider);
  otel.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const traced = traceRequests(otel);
  const seen: Seen[] = [];
  const guard = createGuard({ service: 'user-service', env: { GATEWAY_ASSERTION_KEYS: keys } });
  const server = createServer(
    guardNode(guard, (request, response, caller) =>
      traced({ request, response, caller, route: () => '/users/me' }, () => {
        seen.push({ fields: traceFields(request), traceparent: traceHeaders(request).traceparent });
        // A span that the service makes itself hangs below.
        otel.trace.getTracer('service').startSpan('read profile').end();
        response.setHeader('content-type', 'application/json').end('{"user":{}}');
      }),
    ),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    flush: () => provider.forceFlush(),
    close: async () => {
      server.close();
      server.closeAllConnections();
      await provider.shutdown();
      otel.trace.disable();
      otel.context.disable();
    },
  };
};

let collector: Collector;
let installation: Installation;
let service: Awaited<ReturnType<typeof startService>>;
let issuer: Issuer;
let gateway: ChildServer;
let person: Person;
const sent: RequestTrace[] = [];

beforeAll(async () => {
  collector = await startCollector();
  installation = newInstallation();
  service = await startService(installation.assertionKeys('user-service'), collector.url);
  const telling = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collector.url };
  const keys = { GATEWAY_ASSERTION_KEYS: installation.assertionKeys('auth-service') };
  // By chance nothing at all is recorded there: what is, the gateway has chosen.
  issuer = await startIssuer({ ...telling, ...keys, OTEL_TRACES_SAMPLER_ARG: '0' }, installation.folder);
  gateway = await startGateway(installation, {
    ...{ ...telling, OTEL_TRACES_SAMPLER_ARG: '1' },
    AUTH_SERVICE_URL: issuer.url,
    USER_SERVICE_URL: service.url,
  });
  person = newPerson();
  await register(httpClient(issuer.url), person);
  const fetch = tracedFetch({ parent: () => click, onRequest: (trace) => sent.push(trace) });
  const tokens = createTokenManager({ authUrl: `${gateway.url}/api/v1/auth`, store: memoryStore(), fetch });
  await tokens.signIn('login', { email: person.email, password: person.password });
  const api = createApiClient({ baseUrl: `${gateway.url}/api/v1`, tokens, fetch });
  await api.get('/users/me?secret=in-the-query');
  // Both send what waits when they stop.
  await Promise.all([gateway.stop(), service.flush()]);
  await issuer.stop();
}, 60_000);
afterAll(async () => {
  await issuer.remove();
  await service.close();
  collector.close();
});

const only = (fits: (span: CollectedSpan) => boolean): CollectedSpan => {
  const found = collector.spans.filter(fits);
  const [span] = found;
  if (span === undefined || found.length > 1)
    throw new Error(`${found.length} spans, of ${JSON.stringify(collector.spans.map(({ name }) => name))}`);
  return span;
};
const below = (parent: CollectedSpan | RequestTrace) => (span: CollectedSpan) => span.parentSpanId === parent.spanId;

describe('a login and a protected request of one click', () => {
  it('are one trace, and nothing else is recorded', () => {
    expect(new Set(collector.spans.map((span) => span.traceId))).toEqual(new Set([traceId]));
    expect(new Set(collector.spans.map((span) => span.service))).toEqual(
      new Set(['api-gateway', 'auth-service', 'user-service']),
    );
  });

  it('client, gateway, issuer and store hang one below the other', () => {
    const [login] = sent;
    if (login === undefined) throw new Error('nothing was sent');
    const atGateway = only(below(login));
    expect([atGateway.service, atGateway.kind]).toEqual(['api-gateway', 2]);
    const call = only(below(atGateway));
    expect([call.service, call.kind, call.name]).toEqual(['api-gateway', 3, 'POST auth-service']);
    const atIssuer = only(below(call));
    expect([atIssuer.service, atIssuer.kind, atIssuer.name]).toEqual(['auth-service', 2, 'POST /auth/login']);
    expect(attributeOf(atIssuer, 'http.response.status_code')).toEqual({ intValue: 200 });
    const work = collector.spans.filter(below(atIssuer)).map(({ name }) => name);
    expect(work).toEqual(
      expect.arrayContaining([
        ...['store findUserForLogin', 'store createSession'],
        ...['password hash queue', 'password hash'],
      ]),
    );
    for (const span of collector.spans.filter(below(atIssuer))) {
      expect(BigInt(span.startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(atIssuer.startTimeUnixNano) - 1_000_000n);
      expect(BigInt(span.endTimeUnixNano)).toBeLessThanOrEqual(BigInt(atIssuer.endTimeUnixNano) + 1_000_000n);
    }
  });

  it('the service continues it, knows its own span, and hangs its own work below', () => {
    const request = sent.at(-1);
    if (request === undefined) throw new Error('nothing was sent');
    const call = only(below(only(below(request))));
    const atService = only(below(call));
    expect([atService.service, atService.kind, atService.name]).toEqual(['user-service', 2, 'GET /users/me']);
    expect(service.seen).toEqual([
      { fields: { traceId, spanId: atService.spanId }, traceparent: `00-${traceId}-${atService.spanId}-01` },
    ]);
    expect(only(below(atService)).name).toBe('read profile');
  });

  it('stands in the log of every server, with the span that is theirs', () => {
    for (const [server, service] of [
      [gateway, 'api-gateway'],
      [issuer, 'auth-service'],
    ] as const) {
      const lines = server.logLines().filter((line) => line['msg'] === 'request' && line['traceId'] === traceId);
      const spans = collector.spans.filter((span) => span.service === service && span.kind === 2);
      expect(lines.length).toBeGreaterThan(0);
      expect(lines.map((line) => line['spanId']).sort()).toEqual(spans.map(({ spanId }) => spanId).sort());
    }
  });

  it('tells no collector who it was, what was asked for, or any secret', () => {
    const told = collector.texts.join('');
    expect(told.length).toBeGreaterThan(1000);
    for (const secret of [person.email, person.password, person.name, 'in-the-query', 'eyJ', 'Bearer']) {
      expect(told, secret).not.toContain(secret);
    }
  });
});
