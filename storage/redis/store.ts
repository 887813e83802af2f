import { defaultRealm, type EpochMs } from '@sallyport/contract';
import type { Sealer } from '@sallyport/kit/seal';
import type { Counters } from '../contracts/counters.ts';
import type { Nonces } from '../contracts/nonces.ts';
import { type Birth, createBirth } from './birth.ts';
import { openConnection, type RedisOptions, type RunCalls } from './connection.ts';
import { createRedisCounters } from './counters.ts';
import { createRedisEffects, type RedisEffects } from './effects.ts';
import { durabilityWarning } from './instance.ts';
import { copyingKey } from './keys.ts';
import { createRedisSessions, type RedisSessions } from './sessions.ts';

export interface RedisStoreOptions extends RedisOptions {
  readonly sealer: Sealer;
  /** INSECURE, for tests: shared memory with one BigInt64 of milliseconds that moves the clock of Redis. */
  readonly clockOffset?: SharedArrayBuffer;
}

/** What Redis keeps of a store. It is whole only with one beside it that does not go back: `storage/combined`. */
export interface RedisStore {
  readonly sessions: RedisSessions;
  readonly nonces: Nonces;
  readonly counters: Counters;
  readonly effects: RedisEffects;
  readonly birth: Pick<Birth, 'incarnation' | 'restarts' | 'unknownNonces'>;
  /** What a crash of this Redis would lose, as a sentence; undefined where it is a second at most. */
  readonly warning: string | undefined;
  /** Whether Redis is connected. Where it is not, every verb rejects at once; it comes back by itself. */
  readonly up: boolean;
  /** Asks for the birth mark and the time; rejects with StoreUnavailable while Redis does not answer. */
  look(): Promise<EpochMs>;
  close(): void;
}

const refuseHalfCopied = async (run: RunCalls): Promise<void> => {
  const [copying] = await run([{ command: ['EXISTS', copyingKey(defaultRealm)] }]);
  if (copying === 1)
    throw new Error(
      `holds sessions of a copy that has not come to its end: run the same \`sallyport store copy\` again, or empty it`,
    );
};

/** A refresh waits for one answer or two; refresh.md: 503 and not a hang. */
const answerLimitMs = 1000;
/** Whoever comes back finds it within this and an attempt's own limit. */
const longestPauseMs = 1000;

/** @throws Error at the start where Redis does not answer, or may evict keys */
export const openRedisStore = async (options: RedisStoreOptions): Promise<RedisStore> => {
  const { sealer, random, clockOffset = new SharedArrayBuffer(8) } = options;
  const offset = new BigInt64Array(clockOffset);
  const offsetMs = (): number => Number(Atomics.load(offset, 0));
  const birth = createBirth({ realmId: defaultRealm, random, offsetMs }, () => connection.run);
  let warning: string | undefined;
  const connection = await openConnection({
    answerLimitMs,
    longestPauseMs,
    ...options,
    greet: async (run, info) => {
      await refuseHalfCopied(run);
      await birth.greet(run, info);
      const sendCommand = async (command: readonly string[]) => (await run([{ command }]))[0];
      warning = await durabilityWarning({ sendCommand }, info);
    },
  });
  const { run } = connection;
  return Object.freeze<RedisStore>({
    sessions: createRedisSessions({ run, sealer, random, offsetMs }),
    nonces: birth.nonces,
    counters: createRedisCounters({ run, offsetMs }),
    effects: createRedisEffects(run, defaultRealm),
    birth,
    get warning() {
      return warning;
    },
    get up() {
      return connection.up;
    },
    look: () => birth.look(run),
    close: connection.close,
  });
};
