import type { EpochMs } from '@sallyport/contract';
import { SettingsError } from '@sallyport/kit/config';
import type { Log } from '@sallyport/kit/log';
import type { Random } from '@sallyport/kit/random';
import { openRedisNonces, type RedisNonces } from '@sallyport/storage/redis';
import { redisPlace } from '@sallyport/storage/redis/settings';
import { bornAtMs, type CheckedProof, type ProofUse } from '@sallyport/verify';
import type { GatewaySettings } from '../config.ts';
import { createProofMemoryOf, openProofTable, type SharedProofs } from './proof-table.ts';

/** `away`: Redis, which decides for all gateways, does not answer; whether the proof was used is not known. */
export type ProofUseOutcome = ProofUse | 'away';

/** Where it is remembered that proofs were used. It never rejects. */
export interface ProofUses {
  use(proof: CheckedProof): ProofUseOutcome | Promise<ProofUseOutcome>;
}

export interface OpenProofs extends ProofUses {
  close(): void;
}

export interface OpenProofsOptions {
  readonly settings: GatewaySettings;
  readonly log: Pick<Log, 'info' | 'warn'>;
  readonly random: Random;
  readonly clock: { nowMs(): number };
}

/** A request waits for Redis for so long at most. */
const answerLimitMs = 250;
const purpose = 'dpop';
/** Proofs tell whole seconds. */
const withinSecondMs = 999;

/** For all threads of the process. */
export const createSharedProofs = (random: Pick<Random, 'bytes'>, nowMs: number): SharedProofs => {
  const bytes = random.bytes(8);
  const hashKey = { low: bytes.readInt32LE(0), high: bytes.readInt32LE(4) };
  return { memory: createProofMemoryOf(), hashKey, bornMs: bornAtMs(nowMs) };
};

/**
 * Each proof once: in the memory that the process's threads share, and, where gateways have a Redis in common, over all of them. The memory is
 * asked first and is bounded, so that nobody fills Redis. Throws SettingsError where Redis does not answer or may evict keys.
 */
export const openProofs = async (options: OpenProofsOptions, shared: SharedProofs): Promise<OpenProofs> => {
  const { settings, clock } = options;
  const nonces = await openNonces(options);
  // Redis remembers what was used before this process began.
  const table = openProofTable(nonces === undefined ? shared : { ...shared, bornMs: 0 });

  const askRedis = async (redis: RedisNonces, { id, madeAtMs, endsAtMs }: CheckedProof): Promise<ProofUseOutcome> => {
    try {
      const isFirst = await redis.consumeNonce({
        realmId: redis.realmId,
        purpose,
        nonce: id,
        madeAtMs: (madeAtMs + withinSecondMs) as EpochMs,
        // By this process's clock, which may be behind that of Redis.
        expiresAtMs: (endsAtMs + settings.clockLeewaySeconds * 1000) as EpochMs,
      });
      return isFirst ? 'first' : 'replayed';
    } catch {
      return 'away';
    }
  };
  return Object.freeze<OpenProofs>({
    use: (proof) => {
      const use = table.use(proof, clock.nowMs());
      return use === 'first' && nonces !== undefined ? askRedis(nonces, proof) : use;
    },
    close: () => nonces?.close(),
  });
};

const openNonces = async ({ settings, log, random }: OpenProofsOptions): Promise<RedisNonces | undefined> => {
  const place = redisPlace(settings);
  if (place === undefined) return undefined;
  const onChange = ({ up, reason = 'unknown' }: { readonly up: boolean; readonly reason?: string }): void => {
    if (up) log.info('proofs of possession are judged again: Redis answers');
    else log.warn({ reason }, 'proofs of possession are refused with 503: Redis does not answer');
  };
  try {
    return await openRedisNonces({ url: place.url, answerLimitMs, random, onChange });
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown error';
    throw new SettingsError([{ setting: place.setting, problem: `cannot be used: Redis ${reason}` }]);
  }
};
