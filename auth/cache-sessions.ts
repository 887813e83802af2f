import { defaultRealm, type EpochMs } from '@sallyport/contract';
import type { SessionCache } from '@sallyport/storage/contracts/session-cache';
import type { Storage } from '@sallyport/storage/contracts/storage';

/**
 * Notes each login of a device in a cache beside the store, after it is committed (contracts/device-chat.md). Whatever becomes of the cache, the login
 * is answered as it would be; `onFailed` is told. Nobody here reads from it.
 */
export const cacheSessions = (storage: Storage, cache: SessionCache, onFailed: (error: unknown) => void): Storage => {
  const { sessions, devices } = storage;
  return {
    ...storage,
    sessions: {
      ...sessions,
      createSession: async (session) => {
        const created = await sessions.createSession(session);
        const { id: sessionId, realmId, userId, deviceId, absoluteTtlMs } = session;
        const note = async (): Promise<void> => {
          const device = deviceId && (await devices.findDevice(deviceId));
          if (deviceId === undefined || device === undefined) return;
          const expiresAtMs = (created.nowMs + absoluteTtlMs) as EpochMs;
          await cache.put({ sessionId, realmId, userId, deviceId, deviceKey: device.deviceKey, expiresAtMs });
        };
        await note().catch(onFailed);
        return created;
      },
      endSession: async (input) => {
        const ended = await sessions.endSession(input);
        await cache.forget(defaultRealm, input.sessionId).catch(onFailed);
        return ended;
      },
    },
    close: async () => {
      cache.close();
      await storage.close();
    },
  };
};
