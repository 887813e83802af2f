import { defaultRealm } from '@sallyport/contract';
import type { Rates } from '@sallyport/storage/contracts/rates';
import type { MakeGcra, MakeLimiter } from '../rate-limiter.ts';
import { type Health, reasonOf } from './health.ts';
import { intervalUsOf, type SubjectOf } from './subject.ts';

export interface ExactLimitsOptions {
  /** Counters beside: they know who is limited already, and decide where Redis does not answer. */
  readonly makeGcra: MakeGcra;
  readonly rates: Pick<Rates, 'takeRate'> & { readonly up: boolean };
  readonly subjectOf: SubjectOf;
  readonly health: Pick<Health, 'worked' | 'failed'>;
  readonly elapsedMs: () => number;
  /** Told of each decision that Redis did not make. */
  readonly onLocal: () => void;
}

/**
 * Every request that may pass is decided by Redis; one that was told to wait is refused here until then, so that a flood does not
 * reach Redis. Where Redis is away, or does not answer in time, the request is counted and decided here: limited by each process
 * alone, and served.
 */
export const exactLimits = (options: ExactLimitsOptions): MakeLimiter => {
  const { makeGcra, rates, subjectOf, health, elapsedMs, onLocal } = options;
  return (name, numbers) => {
    const gcra = makeGcra(name, numbers);
    const intervalUs = intervalUsOf(numbers);

    const decideHere = (key: string, nowMs: number): number => {
      onLocal();
      return gcra.take(key, nowMs);
    };
    const ask = async (key: string, nowMs: number): Promise<number> => {
      const counter = {
        realmId: defaultRealm,
        subject: subjectOf(name, numbers, key),
        intervalUs,
        burst: numbers.burst,
      };
      try {
        const { waitMs, aheadMs } = await rates.takeRate(counter);
        health.worked();
        gcra.raise(key, nowMs + aheadMs, elapsedMs());
        return waitMs;
      } catch (error) {
        health.failed(reasonOf(error));
        return decideHere(key, elapsedMs());
      }
    };

    return Object.freeze({
      take: (key: string, nowMs: number): number | Promise<number> => {
        const waitMs = gcra.wait(key, nowMs);
        if (waitMs > 0) return waitMs;
        return rates.up ? ask(key, nowMs) : decideHere(key, nowMs);
      },
    });
  };
};
