import { type Collector, startCollector } from '@sallyport/kit/testing/collector';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { start } from '../server.ts';
import { bearer, type Headers, type Seen, send, sendRaw, startGateway, statusesOf, valuesOf } from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

const path = '/api/v1/users/profile';
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const good = `00-${traceId}-00f067aa0ba902b7-01`;
const wellFormed = /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/;

/** What the tracing libraries of services read, and what would make them record, believe or remember. */
const wishes = {
  tracestate: 'ot=th:0,dd=s:2',
  baggage: 'user=admin,tenant=another',
  b3: `${traceId}-00f067aa0ba902b7-1`,
  'x-b3-traceid': traceId,
  'x-b3-sampled': '1',
  'x-b3-flags': '1',
  'uber-trace-id': `${traceId}:00f067aa0ba902b7:0:3`,
  'uberctx-user': 'admin',
  'x-datadog-sampling-priority': '2',
  'x-cloud-trace-context': `${traceId}/1;o=1`,
  'x-amzn-trace-id': `Root=1-67891233-abcdef012345678912345678;Sampled=1`,
  'sentry-trace': `${traceId}-00f067aa0ba902b7-1`,
};
const names = Object.keys(wishes);

const seenWith = async (gateway: { readonly port: number }, headers: Headers): Promise<Seen> =>
  JSON.parse((await send(gateway, path, { headers: { ...bearer(), ...headers } })).body) as Seen;
const wishesIn = (seen: Seen): readonly string[] =>
  seen.lines.map(([name]) => name.toLowerCase()).filter((name) => names.includes(name.replaceAll('_', '-')));

const collector = async (): Promise<Collector> => {
  const open = await startCollector();
  onTestFinished(() => open.close());
  return open;
};

describe('a stranger', () => {
  it('has nothing recorded by asking, neither here nor at the services behind', async () => {
    const told = await collector();
    for (const traces of [{}, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: told.url, OTEL_TRACES_SAMPLER_ARG: '0' }]) {
      const gateway = await startGateway(traces);
      const seen = await seenWith(gateway, { traceparent: good, ...wishes });
      expect(valuesOf(seen, 'traceparent')).toEqual([expect.stringMatching(new RegExp(`^00-${traceId}-.{16}-00$`))]);
      expect(wishesIn(seen)).toEqual([]);
      expect(wishesIn(await seenWith(gateway, { Trace_State: 'ot=th:0', TRACESTATE: 'ot=th:0' }))).toEqual([]);
      await gateway.stop();
    }
    expect(told.spans).toEqual([]);
  });

  it('gets through with no header that is none: services see one that is well-formed', async () => {
    const told = await collector();
    const gateway = await startGateway({
      ...{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: told.url, OTEL_TRACES_SAMPLER_ARG: '1' },
    });
    const hostile = [
      [good, good],
      `${good}-more`,
      `ff${good.slice(2)}`,
      `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
      good.toUpperCase(),
      `00-${traceId}-00f067aa0ba902b7-01"}`,
      'a'.repeat(4000),
      `cc-${traceId}-00f067aa0ba902b7-01-${'x'.repeat(4000)}`,
      '%0d%0ax-user-id: admin',
    ];
    for (const traceparent of hostile) {
      const seen = await seenWith(gateway, {
        traceparent,
        tracestate: 'a=b,'.repeat(500),
        baggage: 'k=v,'.repeat(500),
      });
      const [passed = '', ...more] = valuesOf(seen, 'traceparent');
      expect([passed, more]).toEqual([expect.stringMatching(wellFormed), []]);
      expect(passed).not.toContain(traceId);
      expect(wishesIn(seen)).toEqual([]);
    }
    await gateway.stop();
    // Spans that begin a trace of their own have no parent that a stranger has made up.
    expect(told.spans.filter(({ kind }) => kind === 2).map(({ parentSpanId }) => parentSpanId ?? '')).toEqual(
      hostile.map(() => ''),
    );
    expect(told.texts.join('')).not.toMatch(/a=b|k=v|xxxx|aaaa|admin/);
  });

  it('ends no header with a line of his own', async () => {
    const gateway = await startGateway();
    for (const broken of [`${good}\rx-user-id: a`, `${good}\nx-user-id: a`, `${good}\0`]) {
      const head = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${bearer().authorization}\r\n`;
      const answer = await sendRaw(gateway, `${head}traceparent: ${broken}\r\nConnection: close\r\n\r\n`);
      // A bare line feed may end a line for the parser: then there are two headers, and the second is removed as every forged one.
      expect(statusesOf(answer).every((status) => status === 400) || !/"x-user-id","a"/i.test(answer)).toBe(true);
    }
  });
});

describe('a proxy that is trusted', () => {
  const trusting = { TRUSTED_PROXIES: '127.0.0.1' };

  it('has its word, and what belongs to a good traceparent goes on', async () => {
    const gateway = await startGateway(trusting);
    const seen = await seenWith(gateway, { traceparent: good, ...wishes });
    expect(valuesOf(seen, 'traceparent')[0]).toMatch(new RegExp(`^00-${traceId}-.{16}-01$`));
    expect(wishesIn(seen).toSorted()).toEqual(names.toSorted());
    expect(valuesOf(seen, 'tracestate')).toEqual([wishes.tracestate]);
    // W3C Trace Context §3.3: of a trace that begins here there is no state.
    expect(wishesIn(await seenWith(gateway, { traceparent: 'broken', ...wishes }))).toEqual([]);
  });
});

const strangersAreHeard = async (begin?: typeof start): Promise<boolean> => {
  const gateway = await startGateway({}, undefined, begin);
  const seen = await seenWith(gateway, { traceparent: good, ...wishes });
  return valuesOf(seen, 'traceparent')[0]?.endsWith('-01') === true || wishesIn(seen).length > 0;
};

describe('the attack would succeed', () => {
  it.each([
    [
      'if a client were heard',
      'steps/access-log.ts',
      'const isTrusted = tells && trustedProxies.has(',
      'const isTrusted = tells || trustedProxies.has(',
    ],
    [
      'if other names of traces passed',
      'headers/inbound.ts',
      "['tracestate', 'baggage',",
      "['tracestate-', 'baggage',",
    ],
  ])('%s', async (_, file, find, replace) => {
    expect(await strangersAreHeard()).toBe(false);
    await withSabotage({ file, find, replace }, async (begin) => {
      expect(await strangersAreHeard(begin)).toBe(true);
    });
  });
});
