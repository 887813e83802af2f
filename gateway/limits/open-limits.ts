import { SettingsError } from '@sallyport/kit/config';
import type { Log } from '@sallyport/kit/log';
import type { Random } from '@sallyport/kit/random';
import { openRedisRates, type RedisRates } from '@sallyport/storage/redis';
import { redisPlace } from '@sallyport/storage/redis/settings';
import type { GatewaySettings } from '../config.ts';
import { localGcra, type MakeGcra, type MakeLimiter } from '../rate-limiter.ts';
import { agreedLimits } from './agreed-limits.ts';
import { startAgreement } from './agreement.ts';
import { exactLimits } from './exact-limits.ts';
import { createHealth, type Health } from './health.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { createSubjectOf, type SubjectOf } from './subject.ts';

export interface OpenLimitsOptions {
  readonly settings: GatewaySettings;
  readonly log: Pick<Log, 'info' | 'warn'>;
  readonly random: Random;
  readonly elapsedMs: () => number;
  /** Where this process counts. Default: in this thread. */
  readonly makeGcra?: MakeGcra;
}

export interface LimitStats {
  readonly up: boolean;
  readonly failures: number;
  readonly rounds: number;
  readonly told: number;
  readonly forgotten: number;
  readonly local: number;
}

export interface OpenLimits {
  readonly make: MakeLimiter;
  /** Undefined: nothing is counted together with others. */
  readonly stats?: () => LimitStats;
  close(): Promise<void>;
}

export type LimitsMode = 'local' | 'agreed' | 'exact';

/** Keys that wait for a round at most. */
export const maxLedgerKeys = 65_536;
/** A request waits for Redis for so long at most (exact), a round in the background for the other. */
const answerLimitMs = { exact: 250, agreed: 500 } as const;

export const limitsModeOf = ({ limitsMode, redisUrl, redisAddr }: GatewaySettings): LimitsMode =>
  limitsMode ?? (redisPlace({ redisUrl, redisAddr }) === undefined ? 'local' : 'agreed');

/** Opens what the settings ask for. Throws SettingsError where Redis does not answer or may evict keys. */
export const openLimits = async (options: OpenLimitsOptions): Promise<OpenLimits> => {
  const { settings, makeGcra = localGcra } = options;
  const mode = limitsModeOf(settings);
  if (mode === 'local') return Object.freeze({ make: makeGcra, close: async () => undefined });
  if (mode === 'exact') return openExact(options, makeGcra);
  const ledger = createLedger({ maxKeys: maxLedgerKeys });
  const agreement = await openAgreement(options, ledger);
  return Object.freeze({ make: agreedLimits(makeGcra, ledger), ...agreement });
};

interface Common {
  readonly rates: RedisRates;
  readonly health: Health;
  readonly subjectOf: SubjectOf;
}

const openCommon = async (options: OpenLimitsOptions, mode: 'agreed' | 'exact'): Promise<Common> => {
  const { settings, log, random } = options;
  const [master] = settings.masterKeys ?? [];
  if (master === undefined) throw new TypeError('GATEWAY_MASTER_KEYS is required');
  const health = createHealth(log);
  const onChange = ({ up, reason = 'unknown' }: { readonly up: boolean; readonly reason?: string }): void =>
    up ? health.worked() : health.failed(reason);
  const place = redisPlace(settings);
  if (place === undefined) throw new TypeError('REDIS_URL is required');
  const { url, setting } = place;
  try {
    const rates = await openRedisRates({ url, answerLimitMs: answerLimitMs[mode], random, onChange });
    return { rates, health, subjectOf: createSubjectOf(master.key) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown error';
    throw new SettingsError([{ setting, problem: `cannot be used: Redis ${reason}` }]);
  }
};

const openExact = async (options: OpenLimitsOptions, makeGcra: MakeGcra): Promise<OpenLimits> => {
  const common = await openCommon(options, 'exact');
  const { rates, health } = common;
  let local = 0;
  const onLocal = (): void => {
    local += 1;
  };
  const { elapsedMs } = options;
  return Object.freeze<OpenLimits>({
    make: exactLimits({ ...common, makeGcra, elapsedMs, onLocal }),
    stats: () => ({ up: rates.up, failures: health.failures, rounds: 0, told: 0, forgotten: 0, local }),
    close: async () => rates.close(),
  });
};

/** Begins to agree on what is written into the ledger. */
export const openAgreement = async (options: OpenLimitsOptions, ledger: Ledger): Promise<Omit<OpenLimits, 'make'>> => {
  const common = await openCommon(options, 'agreed');
  const { rates, health } = common;
  const agreement = startAgreement({ ...common, ledger, elapsedMs: options.elapsedMs });
  return Object.freeze({
    stats: () => ({
      ...{ up: rates.up, failures: health.failures, local: 0 },
      ...agreement.stats(),
      forgotten: ledger.forgotten,
    }),
    close: async () => {
      await agreement.close();
      rates.close();
    },
  });
};
