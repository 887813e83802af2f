/** The proofs of the gateway at small counts; how fast is for `npm run prove`. */
import { describe, expect, it } from 'vitest';
import { seeded } from '../seeded.ts';
import { gatewaySigterm } from './gateway-sigterm.ts';
import { routeChange } from './route-change.ts';
import { slowSockets } from './slow-sockets.ts';
import { upstreamRestart } from './upstream-restart.ts';

describe('a gateway under load', () => {
  it('answers 502 or 503 while a service is killed and started again, and 200 soon after', async () => {
    const result = await upstreamRestart({ restarts: 2, random: seeded(1) });
    expect(result).toMatchObject({ others: 0, errors: [], failedWhileUp: 0 });
    expect(result.byStatus['200']).toBeGreaterThan(100);
    expect(result.byStatus['502']).toBeGreaterThan(10);
  });

  it('loses no request while its route file changes and SIGHUP comes besides', async () => {
    const result = await routeChange({ changes: 15, random: seeded(2) });
    expect(result).toMatchObject({ failed: 0, errors: [] });
    expect(result.requests).toBeGreaterThan(50);
  });

  it('loses no request that it has read when it is told to stop', async () => {
    const result = await gatewaySigterm({ stops: 2, random: seeded(3) });
    expect(result).toMatchObject({ lost: [], ungraceful: 0 });
    expect(result.answeredWhileStopping).toBeGreaterThan(2);
    expect(result.slowestStopMs).toBeLessThan(10_000);
  });

  it('that is killed does lose some, so that the proof can fail', async () => {
    const { lost, ungraceful, passed } = await gatewaySigterm({ stops: 1, random: seeded(4), isKilled: true });
    expect([lost.length > 0, ungraceful, passed]).toEqual([true, 1, false]);
  });

  it('answers everybody beside slow sockets and floods of unseen tokens', async () => {
    const options = { sockets: 300, floodSockets: 16, rounds: 1, seconds: 0.5, perSecond: 100 };
    const { slow, unseen, forged } = await slowSockets(options);
    for (const { failed, attacks } of [slow, unseen, forged]) {
      expect(failed).toBe(0);
      expect(attacks['connected']).toBeGreaterThan(10);
    }
    expect(Math.min(unseen.attacks['requests'] ?? 0, forged.attacks['requests'] ?? 0)).toBeGreaterThan(50);
  }, 60_000);
});
