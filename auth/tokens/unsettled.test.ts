import type { SessionId } from '@sallyport/contract';
import { systemRandom } from '@sallyport/kit/random';
import type { Sessions } from '@sallyport/storage/contracts/sessions';
import { StoreUnavailable } from '@sallyport/storage/contracts/store';
import { describe, expect, it } from 'vitest';
import { createUnsettledRotations } from './unsettled.ts';

const some = (count: number) =>
  Array.from({ length: count }, () => [systemRandom.uuidv7(Date.now()) as SessionId, systemRandom.bytes(16)] as const);

const overlapMs = 10_000;
let nowMs = 0;
const unsettledOn = (sessions: Pick<Sessions, 'settleRotation'>) =>
  createUnsettledRotations({ sessions, overlapMs, elapsedMs: () => nowMs });

describe('unsettled rotations', () => {
  it('are settled once each and many at a time, however many refreshes wait for it', async () => {
    let asked = 0;
    let turns = 0;
    const unsettled = unsettledOn({
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
    const unsettled = unsettledOn({
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

  it('are settled again after an outage that fell into the overlap which had begun anew, and not after a later one', async () => {
    const asked: string[] = [];
    const unsettled = unsettledOn({
      settleRotation: async ({ sessionId }) => {
        asked.push(sessionId);
        return true;
      },
    });
    const [[first, firstId], [second, secondId]] = some(2) as [
      ReturnType<typeof some>[number],
      ReturnType<typeof some>[number],
    ];
    unsettled.remember(first, firstId);
    await unsettled.settle();
    nowMs += overlapMs - 1;
    unsettled.remember(second, secondId);
    await unsettled.settle();
    unsettled.noteOutage();
    await unsettled.settle();
    expect(asked).toEqual([first, second, first, second]);
    nowMs += overlapMs;
    unsettled.noteOutage();
    await unsettled.settle();
    expect(asked).toHaveLength(4);
  });

  it('of somebody else are settled once: an outage does not bring them back', async () => {
    let asked = 0;
    const unsettled = unsettledOn({
      settleRotation: async () => {
        asked += 1;
        return false;
      },
    });
    for (const [sessionId, rotationId] of some(3)) unsettled.remember(sessionId, rotationId);
    await unsettled.settle();
    unsettled.noteOutage();
    await unsettled.settle();
    expect(asked).toBe(3);
  });
});
