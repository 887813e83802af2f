import { systemRandom } from '@sallyport/kit/random';
import { type Collector, startCollector } from '@sallyport/kit/testing/collector';
import { assertionKeysFrom, createAssertionSigner, targetHash } from '@sallyport/verify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sabotagedIssuer } from '../prove/sabotaged-issuer.ts';
import { httpClient } from '../testing/http-client.ts';
import { startIssuer } from '../testing/issuer.ts';
import { newInstallation } from '../testing/microservices.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const good = `00-${traceId}-00f067aa0ba902b7-01`;
const hostile = [
  good,
  [good, good],
  `${good}-more`,
  'a'.repeat(4000),
  `cc-${traceId}-00f067aa0ba902b7-01-${'x'.repeat(4000)}`,
  `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
  `${good}"}`,
];
const beside = { tracestate: 'ot=th:0,'.repeat(200), baggage: 'user=admin,'.repeat(200), b3: '1' };

let collector: Collector;
beforeAll(async () => {
  collector = await startCollector();
});
afterAll(() => collector.close());

/** Spans that an issuer has told after strangers asked for them; `gateway`: one that shows that it is one asks as well. */
const recorded = async ({ main, gateway = false }: { readonly main?: string; readonly gateway?: boolean } = {}) => {
  const installation = newInstallation();
  const keys = installation.assertionKeys('auth-service');
  const settings = {
    ...{ GATEWAY_ASSERTION_KEYS: keys, OTEL_TRACES_SAMPLER_ARG: '0' },
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collector.url,
  };
  const issuer = await startIssuer(settings, installation.folder, main);
  const before = collector.spans.length;
  try {
    const call = httpClient(issuer.url);
    for (const traceparent of hostile) {
      for (const headers of [{}, { 'x-gateway-assertion': 'eyJ.eyJ.x' }]) {
        const answer = await call('GET', '/health', { headers: { traceparent, ...beside, ...headers } });
        expect(answer.status).toBe(200);
      }
    }
    if (gateway) {
      const [key] = assertionKeysFrom({ GATEWAY_ASSERTION_KEYS: keys });
      if (key === undefined) throw new Error('no key');
      const iat = Math.floor(Date.now() / 1000);
      const assertion = createAssertionSigner(key).sign({
        ...{ ver: 1, iss: 'gateway', aud: 'auth-service', iat, exp: iat + 30, jti: systemRandom.uuidv7(Date.now()) },
        ...{ cip: '192.0.2.1', mth: 'GET', pth: targetHash('/health'), anon: true },
      });
      await call('GET', '/health', { headers: { traceparent: good, 'x-gateway-assertion': assertion } });
    }
  } finally {
    await issuer.stop();
  }
  const lines = issuer.logLines().filter((line) => line['msg'] === 'request');
  await issuer.remove();
  return { spans: collector.spans.slice(before), lines };
};

describe('hostile trace headers', () => {
  it('make the issuer record nothing and stand in no log line; a gateway that shows that it is one is heard', async () => {
    const { spans, lines } = await recorded({ gateway: true });
    expect(spans.map((span) => [span.name, span.traceId])).toEqual([['GET /health', traceId]]);
    expect(lines.length).toBe(hostile.length * 2 + 1);
    for (const { traceId: told, spanId } of lines) {
      expect([told, spanId]).toEqual([
        expect.stringMatching(/^[0-9a-f]{32}$/),
        expect.stringMatching(/^[0-9a-f]{16}$/),
      ]);
    }
    expect(JSON.stringify(lines)).not.toMatch(/admin|ot=th|xxxx|aaaa/);
  });

  it('would, if anybody were taken for a gateway', async () => {
    const broken = sabotagedIssuer({
      file: 'request-spans.ts',
      find: 'const isTold = byGateway && ',
      replace: 'const isTold = (byGateway || true) && ',
    });
    try {
      const { spans } = await recorded({ main: new URL(`file://${broken.entry}`).href });
      expect(spans.length).toBeGreaterThan(0);
    } finally {
      broken.remove();
    }
  });
});
