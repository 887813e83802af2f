import { defaultRealm } from '@sallyport/contract';
import type { Rates } from '@sallyport/storage/contracts/rates';
import { intervalMsOf, type LimitNumbers } from '../rate-limiter.ts';
import { type Health, reasonOf } from './health.ts';
import type { Ledger, Spent } from './ledger.ts';
import { intervalUsOf, type SubjectOf } from './subject.ts';

export interface AgreementOptions {
  readonly ledger: Pick<Ledger, 'take' | 'size'>;
  readonly rates: Pick<Rates, 'spendRates'>;
  readonly subjectOf: SubjectOf;
  readonly health: Pick<Health, 'worked' | 'failed'>;
  /** The clock of the counters that are raised. */
  readonly elapsedMs: () => number;
  /** Default 100. */
  readonly periodMs?: number;
}

export interface AgreementStats {
  readonly rounds: number;
  /** Requests let through that were told to the others. */
  readonly told: number;
}

export interface Agreement {
  stats(): AgreementStats;
  /** Tells once more what is left, and ends. */
  close(): Promise<void>;
}

const defaultPeriodMs = 100;
const maxKeysPerRound = 1000;

/** What is owed beyond the limit, since several gateways were asked at once, is paid back; but nobody is shut out for longer. */
const longestAheadMs = (numbers: LimitNumbers): number => Math.max(60_000, 10 * numbers.burst * intervalMsOf(numbers));

/**
 * Agrees in the background, one round at a time: tells Redis what was let through since the last round, and takes over how far each
 * counter is ahead of all gateways together. What a round that failed would have told is dropped: whether Redis has counted it is
 * not known, and nobody may be refused for requests that were counted twice.
 */
export const startAgreement = (options: AgreementOptions): Agreement => {
  const { ledger, rates, subjectOf, health, elapsedMs, periodMs = defaultPeriodMs } = options;
  let rounds = 0;
  let told = 0;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;

  const spendingOf = ({ limit: { name, numbers }, key, count }: Spent) => ({
    realmId: defaultRealm,
    subject: subjectOf(name, numbers, key),
    intervalUs: intervalUsOf(numbers),
    count,
    maxAheadMs: longestAheadMs(numbers),
  });

  const round = async (): Promise<void> => {
    const spent = ledger.take(maxKeysPerRound);
    if (spent.length === 0) return;
    // From before the question: the answer is about a later moment, so no counter gets further ahead here than it is there.
    const askedMs = elapsedMs();
    try {
      const aheads = await rates.spendRates(spent.map(spendingOf));
      spent.forEach(({ limit, key }, at) => {
        limit.raise(key, askedMs + (aheads[at] ?? 0), elapsedMs());
      });
      rounds += 1;
      for (const { count } of spent) told += count;
      health.worked();
    } catch (error) {
      health.failed(reasonOf(error));
    }
  };

  const next = (): void => {
    if (isClosed) return;
    timer = setTimeout(run, periodMs);
    timer.unref();
  };
  let running: Promise<void> = Promise.resolve();
  const run = (): void => {
    running = round().then(next);
  };
  next();
  return Object.freeze({
    stats: () => ({ rounds, told }),
    close: async () => {
      isClosed = true;
      clearTimeout(timer);
      await running;
      await round();
    },
  });
};
