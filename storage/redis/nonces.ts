import { defaultRealm, type RealmId } from '@sallyport/contract';
import type { Nonces } from '../contracts/nonces.ts';
import { createBirth } from './birth.ts';
import { openConnection, type RedisOptions } from './connection.ts';

export interface RedisNonces extends Nonces {
  /** Whether Redis is connected. Where it is not, every verb rejects at once; it comes back by itself. */
  readonly up: boolean;
  /** Where nonces are spent: a mark of their own tells what they know, since an issuer on the same Redis looks for changes of its own mark. */
  readonly realmId: RealmId;
  close(): void;
}

/** For who has no store, and things that live for a minute. @throws Error at the start where Redis does not answer, or may evict keys */
export const openRedisNonces = async (options: RedisOptions): Promise<RedisNonces> => {
  const realmId = `${defaultRealm}.gateway` as RealmId;
  const birth = createBirth({ realmId, random: options.random, offsetMs: () => 0 }, () => connection.run);
  const connection = await openConnection({ ...options, greet: birth.greet });
  return Object.freeze<RedisNonces>({
    realmId,
    get up() {
      return connection.up;
    },
    consumeNonce: birth.nonces.consumeNonce,
    close: connection.close,
  });
};
