import type { KeyValueStorage } from './key-value-storage.ts';

/**
 * Where the browser's storage is full or refuses writes, this page remembers by itself what it could not write. The other tabs do not
 * learn of it then, but no refresh and no logout fails for it.
 */
export const lastingStorage = (storage: KeyValueStorage): KeyValueStorage => {
  const own = new Map<string, string>();
  return {
    getItem: (key) => storage.getItem(key) ?? own.get(key) ?? null,
    setItem: (key, value) => {
      try {
        storage.setItem(key, value);
        own.delete(key);
      } catch {
        // What stood there before is not true any more.
        storage.removeItem(key);
        own.set(key, value);
      }
    },
    removeItem: (key) => {
      own.delete(key);
      storage.removeItem(key);
    },
  };
};
