/**
 * The Redis driver: serves rate counters, and nothing else yet. Keys are `sp1:<realm>:rate:{<subject>}`, each script touches one key,
 * and each key expires when its counter owes nothing. Never: queues a command for later, waits for longer than its limit, or puts
 * an address of Redis or a password into an error.
 */
import type { RateCounter, Rates } from '../contracts/rates.ts';
import { StoreUnavailable } from '../contracts/store.ts';
import { openConnection, type RedisOptions } from './connection.ts';
import { spendScript, takeScript } from './scripts.ts';

export type { RedisOptions } from './connection.ts';

export interface RedisRates extends Rates {
  /** Whether Redis is connected. Where it is not, every verb rejects at once; it comes back by itself. */
  readonly up: boolean;
  close(): void;
}

/** @throws Error at the start where Redis does not answer, or may evict keys */
export const openRedisRates = async (options: RedisOptions): Promise<RedisRates> => {
  const connection = await openConnection(options);
  return Object.freeze<RedisRates>({
    get up() {
      return connection.up;
    },
    takeRate: async (counter) => {
      const { intervalUs, burst } = counter;
      const args = [intervalUs, intervalUs * (burst - 1)];
      const [reply] = await connection.run([{ script: takeScript, key: keyOf(counter), args }]);
      const [waitUs, aheadUs] = Array.isArray(reply) ? reply : [];
      return { waitMs: microseconds(waitUs) / 1000, aheadMs: microseconds(aheadUs) / 1000 };
    },
    spendRates: async (spendings) => {
      const replies = await connection.run(
        spendings.map((spending) => ({
          script: spendScript,
          key: keyOf(spending),
          args: [spending.intervalUs, spending.count, Math.round(spending.maxAheadMs * 1000)],
        })),
      );
      return replies.map((reply) => microseconds(reply) / 1000);
    },
    close: connection.close,
  });
};

/** The subject is the hash tag: whatever belongs to it would stand in one slot of a cluster. */
const keyOf = ({ realmId, subject }: RateCounter): string => `sp1:${realmId}:rate:{${subject}}`;

const microseconds = (value: unknown): number => {
  if (typeof value !== 'number') throw new StoreUnavailable(new Error('an answer that is no number'), true);
  return value;
};
