import { setTimeout as sleep } from 'node:timers/promises';
import type { Sealer } from '@sallyport/kit/seal';
import type { SessionCache } from '../contracts/session-cache.ts';
import { StoreUnavailable } from '../contracts/store.ts';
import { openConnection, type RedisConnection, type RedisOptions } from './connection.ts';

export interface SessionCacheOptions extends RedisOptions {
  readonly sealer: Sealer;
}

const retryMs = 2000;
const keyOf = (realmId: string, sessionId: string): string => `sp1:${realmId}:session-cache:{${sessionId}}`;

/**
 * One key a session, JSON: `user_id`, `device_id`, and `device_key` sealed for this place. It goes with the session's expiry. Opens without waiting: a
 * cache that is away is looked for until it is there.
 */
export const openRedisSessionCache = ({ sealer, ...options }: SessionCacheOptions): SessionCache => {
  const closing = new AbortController();
  let connection: RedisConnection | undefined;
  const open = async (): Promise<void> => {
    for (let told = false; !closing.signal.aborted; told = true) {
      try {
        connection = await openConnection(options);
        if (closing.signal.aborted) connection.close();
        return;
      } catch (error) {
        if (!told) options.onChange?.({ up: false, reason: error instanceof Error ? error.message : 'unknown error' });
      }
      await sleep(retryMs, undefined, { signal: closing.signal, ref: false }).catch(() => undefined);
    }
  };
  void open();
  const run = async (command: readonly string[]): Promise<void> => {
    if (connection === undefined) throw new StoreUnavailable(new Error('not connected'));
    await connection.run([{ command }]);
  };
  return Object.freeze<SessionCache>({
    put: async ({ sessionId, realmId, userId, deviceId, deviceKey, expiresAtMs }) => {
      const place = { table: 'session-cache', column: 'device_key', row: `${realmId}/${sessionId}` };
      const entry = { user_id: userId, device_id: deviceId, device_key: sealer.seal(deviceKey, place) };
      await run(['SET', keyOf(realmId, sessionId), JSON.stringify(entry), 'PXAT', String(expiresAtMs)]);
    },
    forget: (realmId, sessionId) => run(['DEL', keyOf(realmId, sessionId)]),
    close: () => {
      closing.abort();
      connection?.close();
    },
  });
};
