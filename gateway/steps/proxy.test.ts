import type { IncomingMessage } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createAddressList } from '../address/address-list.ts';
import type { Exchange } from '../exchange.ts';
import { createOpenExchanges } from '../open-exchanges.ts';
import { exchangeOf, outcomeOf, routeTo } from '../testing/exchange.ts';
import { startService } from '../testing/rig.ts';
import { openUpstream, type Upstream } from '../upstreams/upstream.ts';
import { proxy } from './proxy.ts';

const elapsedMs = (): number => performance.now();

const openService = async (isIssuer: boolean) => {
  const seen: IncomingMessage[] = [];
  const service = await startService((req, res) => {
    seen.push(req);
    res.end('ok');
  });
  const limits = { connectTimeoutMs: 1000, timeoutMs: 1000, maxConnections: 2, maxPending: 2 };
  const upstream = openUpstream(
    { id: 'a', origins: [service.url], isPlain: false, isIssuer, ...limits },
    { elapsedMs, log: { warn: () => undefined } },
  );
  onTestFinished(upstream.close);
  return { seen, upstream };
};

const stepFor = (protocol: 'http' | 'https' = 'http') => {
  const never = { isRevoked: () => 'active' as const };
  const open = createOpenExchanges({ revocations: never, nowMs: Date.now, elapsedMs, leewayMs: 0 });
  return proxy({
    ...{ authCookies: ['refresh_token', 'csrf_token'], gatewayId: 'edge', protocol, elapsedMs },
    trustedProxies: createAddressList([]),
    openExchanges: open,
    refuse: (_, problem) => {
      throw problem;
    },
  });
};

const credentials = [
  ...['Authorization', 'Bearer x', 'DPoP', 'proof', 'X-CSRF-Token', 'token'],
  ...['Cookie', 'theme=dark; refresh_token=secret; csrf_token=secret'],
];

const sentTo = async (seen: readonly IncomingMessage[]): Promise<IncomingMessage> => {
  await expect.poll(() => seen.length).toBe(1);
  return seen[0] as IncomingMessage;
};

const exchangeFor = (upstream: Upstream, ...lines: readonly string[]): Exchange => {
  const exchange = exchangeOf('GET', '/outer/a?b=c', ...lines);
  exchange.route = routeTo('a', { upstream });
  exchange.forwardTarget = '/a?b=c';
  exchange.identityHeaders = ['x-gateway-assertion', 'signed'];
  return exchange;
};

describe('proxy', () => {
  it('sends the judged target and who calls; credentials and auth cookies stay here', async () => {
    const { seen, upstream } = await openService(false);
    const exchange = exchangeFor(upstream, 'Host', 'api.example', 'X-Forwarded-For', '9.9.9.9', ...credentials);
    expect(outcomeOf(stepFor('https').run(exchange))).toBe('waits');
    const { url, headers } = await sentTo(seen);
    expect(url).toBe('/a?b=c');
    expect(headers).toMatchObject({
      cookie: 'theme=dark',
      'x-gateway-assertion': 'signed',
      'x-forwarded-for': '192.0.2.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'api.example',
      via: '1.1 edge',
      'x-request-id': exchange.requestId,
    });
    for (const name of ['authorization', 'dpop', 'x-csrf-token']) expect(headers[name]).toBeUndefined();
  });

  it('hands the issuer what is the issuer’s', async () => {
    const { seen, upstream } = await openService(true);
    void stepFor().run(exchangeFor(upstream, 'Host', 'api.example', ...credentials));
    const { headers } = await sentTo(seen);
    expect(headers).toMatchObject({
      ...{ authorization: 'Bearer x', dpop: 'proof', 'x-csrf-token': 'token' },
      cookie: 'theme=dark; refresh_token=secret; csrf_token=secret',
    });
  });

  it('refuses what is more than a service may have under way, and sends nothing of it', async () => {
    const { seen, upstream } = await openService(false);
    upstream.pending = 2;
    expect(outcomeOf(stepFor().run(exchangeFor(upstream)))).toBe('busy');
    expect(seen).toHaveLength(0);
  });

  it('sends nothing for a client that has gone', async () => {
    const { seen, upstream } = await openService(false);
    const gone = exchangeFor(upstream);
    gone.res.destroy();
    expect(outcomeOf(stepFor().run(gone))).toBe('waits');
    void stepFor().run(exchangeFor(upstream));
    await sentTo(seen);
  });
});
