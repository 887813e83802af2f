import type { MakeGcra, MakeLimiter } from '../rate-limiter.ts';
import type { Ledger } from './ledger.ts';

/** Decides here and at once; what was let through is written down for the others. */
export const agreedLimits =
  (makeGcra: MakeGcra, ledger: Ledger): MakeLimiter =>
  (name, numbers) => {
    const gcra = makeGcra(name, numbers);
    const note = ledger.open({ name, numbers, raise: gcra.raise });
    return Object.freeze({
      take: (key: string, nowMs: number): number => {
        const waitMs = gcra.take(key, nowMs);
        if (waitMs === 0) note(key);
        return waitMs;
      },
    });
  };
