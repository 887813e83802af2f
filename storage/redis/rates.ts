import type { RateCounter, Rates } from '../contracts/rates.ts';
import { openConnection, type RedisOptions } from './connection.ts';
import { spendScript, takeScript } from './rate-scripts.ts';
import { listReply, numberReply } from './replies.ts';

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
      const [reply] = await connection.run([{ script: takeScript, keys: [keyOf(counter)], args }]);
      const [waitUs, aheadUs] = listReply(reply);
      return { waitMs: numberReply(waitUs) / 1000, aheadMs: numberReply(aheadUs) / 1000 };
    },
    spendRates: async (spendings) => {
      const replies = await connection.run(
        spendings.map((spending) => ({
          script: spendScript,
          keys: [keyOf(spending)],
          args: [spending.intervalUs, spending.count, Math.round(spending.maxAheadMs * 1000)],
        })),
      );
      return replies.map((reply) => numberReply(reply) / 1000);
    },
    close: connection.close,
  });
};

/** The subject is the hash tag: whatever belongs to it would stand in one slot of a cluster. */
const keyOf = ({ realmId, subject }: RateCounter): string => `sp1:${realmId}:rate:{${subject}}`;
