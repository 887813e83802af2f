import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { serviceAddress } from '../http1/open-socket.ts';
import { type Service, startService } from '../testing/rig.ts';
import { startHealthCheck } from './health-check.ts';

const startChecked = async (listener: Service) => {
  const service = await startService(listener);
  const results: boolean[] = [];
  const check = startHealthCheck(
    { path: '/health', intervalMs: 10, timeoutMs: 100, failures: 3, successes: 2 },
    { address: serviceAddress(service.url), onResult: (isWell) => void results.push(isWell) },
  );
  onTestFinished(() => check.close());
  return { service, results, check };
};

describe('a health check', () => {
  it('asks with GET and no identity, and tells after two good answers and after three bad ones', async () => {
    const statuses = [200, 500, 204, 302, 404, 503, 200, 200];
    const asked: string[] = [];
    const toldAfter: (readonly [answers: number, isWell: boolean])[] = [];
    const service = await startService((req, res) => {
      asked.push(`${req.method} ${req.url} ${Object.keys(req.headers).sort().join()}`);
      res.writeHead(statuses.shift() ?? 200).end();
    });
    const check = startHealthCheck(
      { path: '/health', intervalMs: 10, timeoutMs: 5000, failures: 3, successes: 2 },
      { address: serviceAddress(service.url), onResult: (isWell) => void toldAfter.push([asked.length, isWell]) },
    );
    onTestFinished(() => check.close());
    await expect.poll(() => toldAfter.length).toBeGreaterThan(1);
    expect(asked[0]).toBe('GET /health host,user-agent');
    // The first three bad ones in a row end with the 6th, the two good ones behind them with the 8th.
    expect(toldAfter.slice(0, 2)).toEqual([
      [6, false],
      [8, true],
    ]);
  });

  it('takes silence for a bad answer, and never asks twice at a time', async () => {
    let open = 0;
    let most = 0;
    const { results } = await startChecked((req) => {
      open += 1;
      most = Math.max(most, open);
      req.socket.once('close', () => {
        open -= 1;
      });
    });
    await expect.poll(() => results[0], { timeout: 3000 }).toBe(false);
    expect(most).toBe(1);
  });

  it('ends when it is closed, also while it is being answered', async () => {
    const { service, results, check } = await startChecked(() => undefined);
    await expect.poll(service.seen).toBe(1);
    check.close();
    await sleep(300);
    expect([service.seen(), results]).toEqual([1, []]);
  });
});
