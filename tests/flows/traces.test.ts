/** One trace through all parts: a client, the gateway, the issuer with its store, and the service of the guide with spans of its own. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createApiClient, createTokenManager, memoryStore } from '@sallyport/client';
import { type RequestTrace, tracedFetch } from '@sallyport/client/traced-fetch';
import { attributeOf, type CollectedSpan, type Collector, startCollector } from '@sallyport/kit/testing/collector';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ChildServer, type Settings, startServer } from '../testing/child-server.ts';
import { freePort } from '../testing/free-ports.ts';
import { httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { type Installation, newInstallation, startGateway } from '../testing/microservices.ts';
import { newPerson, type Person, register } from '../testing/people.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const click = `00-${traceId}-00f067aa0ba902b7-00`;

const root = new URL('../../', import.meta.url);
const folder = new URL('test-output/traces/', root);
const guide = readFileSync(new URL('docs/guides/observability.md', root), 'utf8');
const [serviceCode = '', clientCode = ''] = [...guide.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(
  ([, code = '']) => code,
);

/** The service of the guide, copied and pasted, in a process of its own. */
const startService = async (settings: Settings): Promise<ChildServer> => {
  const url = `http://127.0.0.1:${settings['PORT']}`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL('service.ts', folder), serviceCode);
  const main = new URL('main.ts', folder);
  writeFileSync(main, `await import('./service.ts');\nprocess.send({ urls: { public: '${url}' } });\n`);
  const service = await startServer(main.href, settings, fileURLToPath(folder));
  // Nobody is let in; but it answers.
  const answers = () =>
    fetch(`${url}/users/me`).then(
      ({ status }) => status === 401,
      () => false,
    );
  await vi.waitUntil(answers, { timeout: 20_000, interval: 20 });
  return service;
};

/** The client of the guide, likewise; returns the id that it prints. */
const runClient = async (origin: string): Promise<string> => {
  const path = fileURLToPath(new URL('client.ts', folder));
  writeFileSync(path, clientCode.replaceAll('http://localhost:8080', origin));
  const printed: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((text: unknown) => void printed.push(String(text)));
  await import(path);
  log.mockRestore();
  return printed.join();
};

let collector: Collector;
let installation: Installation;
let service: ChildServer;
let printed: string;
let issuer: Issuer;
let gateway: ChildServer;
let person: Person;
let answered: unknown;
const sent: RequestTrace[] = [];

beforeAll(async () => {
  collector = await startCollector();
  installation = newInstallation();
  const telling = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collector.url };
  const serviceKeys = { GATEWAY_ASSERTION_KEYS: installation.assertionKeys('user-service') };
  service = await startService({ ...telling, ...serviceKeys, PORT: String(await freePort()) });
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
  answered = await api.get('/users/me?secret=in-the-query');
  await register(httpClient(issuer.url), { email: 'ada@example.com', password: 'correct horse battery', name: 'Ada' });
  printed = await runClient(gateway.url);
  // Each sends what waits when it stops.
  await Promise.all([gateway.stop(), service.stop(), issuer.stop()]);
}, 60_000);
afterAll(async () => {
  await Promise.all([gateway.stop(), service.stop(), issuer.remove()]);
  collector.close();
  rmSync(folder, { recursive: true });
});

const only = (fits: (span: CollectedSpan) => boolean): CollectedSpan => {
  const found = collector.spans.filter(fits);
  const [span] = found;
  if (span === undefined || found.length > 1)
    throw new Error(`${found.length} spans, of ${JSON.stringify(collector.spans.map(({ name }) => name))}`);
  return span;
};
const compare = (one: string, other: string): number => one.localeCompare(other);
const below = (parent: CollectedSpan | RequestTrace) => (span: CollectedSpan) => span.parentSpanId === parent.spanId;

describe('a login and a protected request of one click', () => {
  it('are one trace, and nothing else is recorded', () => {
    const servicesOf = (trace: string) =>
      new Set(collector.spans.filter((span) => span.traceId === trace).map((span) => span.service));
    expect(servicesOf(traceId)).toEqual(new Set(['api-gateway', 'auth-service', 'user-service']));
    // The client of the guide opens one for its login, and one for its request, whose id it prints.
    expect(servicesOf(printed)).toEqual(new Set(['api-gateway', 'user-service']));
    expect(new Set(collector.spans.map((span) => span.traceId)).size).toBe(3);
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
    expect(service.logLines()).toContainEqual({ traceId, spanId: atService.spanId, msg: 'request' });
    // What it would send on.
    expect(answered).toEqual({ traceparent: `00-${traceId}-${atService.spanId}-01` });
    expect(only(below(atService)).name).toBe('read profile');
  });

  it('stands in the log of every server, with the span that is theirs', () => {
    for (const [server, service] of [
      [gateway, 'api-gateway'],
      [issuer, 'auth-service'],
    ] as const) {
      const lines = server.logLines().filter((line) => line['msg'] === 'request' && line['traceId'] === traceId);
      const spans = collector.spans.filter(
        (span) => span.service === service && span.kind === 2 && span.traceId === traceId,
      );
      expect(lines.length).toBeGreaterThan(0);
      expect(lines.map((line) => String(line['spanId'])).toSorted(compare)).toEqual(
        spans.map(({ spanId }) => spanId).toSorted(compare),
      );
    }
  });

  it('tells no collector who it was, what was asked for, or any secret', () => {
    const told = collector.texts.join('');
    expect(told.length).toBeGreaterThan(1000);
    for (const secret of [
      person.email,
      person.password,
      person.name,
      'ada@example.com',
      'in-the-query',
      'eyJ',
      'Bearer',
    ]) {
      expect(told, secret).not.toContain(secret);
    }
  });
});
