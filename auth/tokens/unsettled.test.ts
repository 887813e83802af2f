import type { SessionId } from '@sallyport/contract';
import { systemRandom } from '@sallyport/kit/random';
import { StoreUnavailable } from '@sallyport/storage/contracts/store';
import { describe, expect, it } from 'vitest';
import { createUnsettledRotations } from './unsettled.ts';

const some = (count: number) =>
  Array.from({ length: count }, () => [systemRandom.uuidv7(Date.now()) as SessionId, systemRandom.bytes(16)] as const);

describe('unsettled rotations', () => {
  it('are settled once each and many at a time, however many refreshes wait for it', async () => {
    let asked = 0;
    let turns = 0;
    const unsettled = createUnsettledRotations({
      settleRotation: async () => {
        asked += 1;
        await new Promise((resolve) => setImmediate(resolve));
        return true;
      },
    });
    for (const [sessionId, rotationId] of some(1000)) unsettled.remember(sessionId, rotationId);
    const settled = Promise.all(Array.from({ length: 50 }, () => unsettled.settle()));
    for (let done = false; !done; turns += 1) {
      done = await Promise.race([settled.then(() => true), new Promise<false>((r) => setImmediate(() => r(false)))]);
    }
    expect({ asked, left: unsettled.size }).toEqual({ asked: 1000, left: 0 });
    expect(turns).toBeLessThan(50);
  });

  it('stay where the store does not answer, and are settled when it does', async () => {
    let away = true;
    const unsettled = createUnsettledRotations({
      settleRotation: async () => {
        if (away) throw new StoreUnavailable('away');
        return true;
      },
    });
    for (const [sessionId, rotationId] of some(3)) unsettled.remember(sessionId, rotationId);
    await unsettled.settle();
    expect(unsettled.size).toBe(3);
    away = false;
    await unsettled.settle();
    expect(unsettled.size).toBe(0);
  });
});
