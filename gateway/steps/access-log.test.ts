import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLog } from '@sallyport/kit/log';
import { insecureSeededRandom } from '@sallyport/kit/random';
import { describe, expect, it } from 'vitest';
import { createAddressList } from '../address/address-list.ts';
import { createExchange } from '../exchange.ts';
import { createGatewayMetrics } from '../metrics.ts';
import { exchangeOf, verified } from '../testing/exchange.ts';
import { mint, userId } from '../testing/rig.ts';
import { accessLog } from './access-log.ts';

const rig = ({ sample = 1 } = {}) => {
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
    sample,
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

/** One request, until its answer has ended in whichever way. */
const ended = (port: number, agent: Agent): Promise<void> =>
  new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, agent }, (answer) => {
      answer.on('error', () => undefined);
      answer.once('close', () => resolve());
      answer.resume();
    });
    asked.once('error', () => resolve());
    asked.end();
  });

describe('the sampled access log', () => {
  interface Ending {
    readonly status?: number;
    readonly decision?: string;
    readonly isCut?: boolean;
  }
  const count = 400;

  /** So many real requests, one after another, that end alike; the lines that they leave. */
  const linesOf = async (sample: number, { status = 200, decision = 'pass', isCut = false }: Ending) => {
    const { step, lines, metrics } = rig({ sample });
    const server = createServer((req, res) => {
      const exchange = createExchange(req, res, 'plain', 0);
      void step.run(exchange);
      exchange.decision = decision;
      res.writeHead(status, { 'content-length': '2' });
      if (isCut) res.write('o', () => res.destroy());
      else res.end('ok');
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const agent = new Agent({ keepAlive: true });
    for (let at = 0; at < count; at += 1) await ended((server.address() as AddressInfo).port, agent);
    agent.destroy();
    server.close();
    await once(server, 'close');
    return { lines: lines.map((line) => JSON.parse(line) as { sample?: number }), metrics };
  };

  it('holds the given share of what went well, each line with the share; metrics count everything', async () => {
    const { lines, metrics } = await linesOf(0.1, {});
    expect(lines.length).toBeGreaterThan(count * 0.05);
    expect(lines.length).toBeLessThan(count * 0.15);
    expect(new Set(lines.map(({ sample }) => sample))).toEqual(new Set([0.1]));
    expect(await metrics.text()).toContain(`requests_total{route="none",status="2xx",decision="pass"} ${count}`);
  });

  it.each<[string, Ending]>([
    ['refused', { status: 401, decision: 'token_invalid' }],
    ['turned away by the service', { status: 404 }],
    ['failed', { status: 502, decision: 'upstream_unavailable' }],
    ['ended by a decision after its head was out', { decision: 'token_expired' }],
    ['cut short', { isCut: true }],
  ])('holds everything that was %s, and says no share there', async (_what, ending) => {
    const { lines } = await linesOf(0, ending);
    expect(lines).toHaveLength(count);
    expect(lines.filter((line) => 'sample' in line)).toEqual([]);
  });

  it('at 0 holds nothing that went well, at 1 everything, without a word of shares', async () => {
    expect((await linesOf(0, {})).lines).toEqual([]);
    const { lines } = await linesOf(1, {});
    expect([lines.length, lines.filter((line) => 'sample' in line).length]).toEqual([count, 0]);
  });
});
