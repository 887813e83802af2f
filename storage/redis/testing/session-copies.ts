import { createClient } from '@redis/client';
import type { SessionId, UserId } from '@sallyport/contract';
import { isShard, placeKey, type Shard, sessionKey, userKey } from '../keys.ts';

export interface SessionCopies {
  /** Keeps a copy of the row as it is now, one for each generation. */
  remember(sessionId: SessionId): Promise<void>;
  /** Puts the row back to a copy, with its place in the user's list, as a failover does that lost a write. Nothing happens where there is none. */
  putBack(sessionId: SessionId, generation: number): Promise<void>;
  close(): void;
}

const connect = (url: string) => createClient({ url }).connect();

/** Connects when it is first used: whoever copies nothing may kill the server. */
export const openSessionCopies = (url: string): SessionCopies => {
  let connected: ReturnType<typeof connect> | undefined;
  const asked = () => (connected ??= connect(url));
  const shardOf = async (sessionId: SessionId): Promise<Shard> => {
    const shard = (await (await asked()).get(placeKey(sessionId))) ?? '';
    if (!isShard(shard)) throw new Error('no such session');
    return shard;
  };
  const copyKey = (shard: Shard, sessionId: SessionId, generation: unknown): string =>
    `${shard}copy:${String(generation)}:${sessionId}`;
  return {
    remember: async (sessionId) => {
      const [client, shard] = await Promise.all([asked(), shardOf(sessionId)]);
      const row = sessionKey(shard, sessionId);
      await client.copy(row, copyKey(shard, sessionId, await client.hGet(row, 'g')));
    },
    putBack: async (sessionId, generation) => {
      const [client, shard] = await Promise.all([asked(), shardOf(sessionId)]);
      const row = sessionKey(shard, sessionId);
      const found = await client.copy(copyKey(shard, sessionId, generation), row, { REPLACE: true });
      const [userId, created, revoked] = await client.hmGet(row, ['u', 'c', 'x']);
      if (!found || revoked !== null) return;
      await client.zAdd(userKey(shard, userId as UserId), { value: sessionId, score: Number(created) });
    },
    close: () => void connected?.then((client) => client.destroy()),
  };
};
