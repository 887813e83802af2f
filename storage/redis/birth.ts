import type { EpochMs, RealmId } from '@sallyport/contract';
import type { Random } from '@sallyport/kit/random';
import type { Nonces } from '../contracts/nonces.ts';
import { consumeNonceScript, greetScript } from './birth-scripts.ts';
import type { RunCalls } from './connection.ts';
import { runIdOf } from './instance.ts';
import { birthKey, nonceKey } from './keys.ts';
import { listReply } from './replies.ts';

export interface Birth {
  /** The incarnation that was seen last: another one is a store that was emptied. */
  readonly incarnation: string;
  /** How often this process has found Redis to be another process, which may have forgotten what it was told last. */
  readonly restarts: number;
  /** Nonces that were refused because nobody knows whether they had been spent. */
  readonly unknownNonces: number;
  readonly nonces: Nonces;
  /** For each connection, before anything else is asked of it. */
  greet(run: RunCalls, info: string): Promise<void>;
  /** Asks for the incarnation, and returns the time by the clock of Redis. */
  look(run: RunCalls): Promise<EpochMs>;
}

export interface BirthOptions {
  readonly realmId: RealmId;
  readonly random: Pick<Random, 'bytes'>;
  readonly offsetMs: () => number;
}

/** The birth mark: it tells an emptied store, and the earliest moment that the nonces in it know of. */
export const createBirth = ({ realmId, random, offsetMs }: BirthOptions, run: () => RunCalls): Birth => {
  const seen = { incarnation: '', restarts: 0, unknownNonces: 0 };
  let runId = '';
  const begin = () => [offsetMs(), runId, random.bytes(12).toString('base64url')];

  const look = async (ask: RunCalls): Promise<EpochMs> => {
    const [reply] = await ask([{ script: greetScript, keys: [birthKey(realmId)], args: begin() }]);
    const [incarnation, restarted, nowMs] = listReply(reply);
    seen.incarnation = String(incarnation);
    if (restarted === 1) seen.restarts += 1;
    return nowMs as EpochMs;
  };

  return {
    get incarnation() {
      return seen.incarnation;
    },
    get restarts() {
      return seen.restarts;
    },
    get unknownNonces() {
      return seen.unknownNonces;
    },
    greet: async (ask, info) => {
      runId = runIdOf(info);
      await look(ask);
    },
    look,
    nonces: {
      consumeNonce: async (input) => {
        const keys = [birthKey(input.realmId), nonceKey(input.realmId, input.purpose, input.nonce)];
        const args = [...begin(), input.madeAtMs, input.expiresAtMs];
        const [reply] = await run()([{ script: consumeNonceScript, keys, args }]);
        const [outcome, incarnation] = listReply(reply);
        seen.incarnation = String(incarnation);
        if (outcome === -1) seen.unknownNonces += 1;
        return outcome === 1;
      },
    },
  };
};
