import { createLog } from '@sallyport/kit/log';
import { insecureSeededRandom } from '@sallyport/kit/random';
import { describe, expect, it } from 'vitest';
import { createAddressList } from '../address/address-list.ts';
import { createGatewayMetrics } from '../metrics.ts';
import { exchangeOf, verified } from '../testing/exchange.ts';
import { mint, userId } from '../testing/rig.ts';
import { accessLog } from './access-log.ts';

const rig = () => {
  const lines: string[] = [];
  const log = createLog({
    name: 'gate',
    level: 'info',
    destination: { write: (line: string) => void lines.push(line) },
  });
  const metrics = createGatewayMetrics();
  let elapsed = 0;
  const step = accessLog({
    log,
    metrics,
    random: insecureSeededRandom(1),
    clock: { nowMs: () => 1_800_000_000_000 },
    trustedProxies: createAddressList([]),
    elapsedMs: () => elapsed,
  });
  const wait = (ms: number): void => {
    elapsed += ms;
  };
  return { step, metrics, lines, wait };
};

describe('the access log', () => {
  it('writes one line when the answer has ended, without query, token or cookie', async () => {
    const { step, lines, metrics, wait } = rig();
    const token = mint();
    const headers = [
      'Authorization',
      `Bearer ${token}`,
      'Cookie',
      'csrf_token=secret',
      'User-Agent',
      'test/1',
      'X-Request-Id',
      'mine',
    ];
    const exchange = exchangeOf('GET', '/a?access_token=secret', ...headers, 'X-User-Id', 'forged');
    void step.run(exchange);
    exchange.token = verified();
    wait(12.5);
    exchange.res.writeHead(200);
    exchange.res.emit('close');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      requestId: exchange.requestId,
      traceId: exchange.trace?.traceId,
      method: 'GET',
      path: '/a',
      status: 200,
      durationMs: 12.5,
      agent: 'test/1',
      user: userId,
      clientRequestId: 'mine',
    });
    expect(lines[0]).not.toMatch(/secret|forged/);
    expect(lines[0]).not.toContain(token);
    const text = await metrics.text();
    expect(text).toContain('sallyport_gateway_requests_total{route="none",status="2xx",decision="pass"} 1');
  });

  it('ends the upstream request of a client that went away, and logs 499', () => {
    const { step, lines } = rig();
    const exchange = exchangeOf('GET', '/a');
    let cancelled = 0;
    void step.run(exchange);
    exchange.underWay = {
      cancel: () => {
        cancelled += 1;
      },
    };
    exchange.res.emit('close');
    expect([cancelled, lines.map((line) => (JSON.parse(line) as { status: number }).status)]).toEqual([1, [499]]);
  });
});
