/** Where a device's keys live: as CryptoKeys that no script can read out, in IndexedDB, or in memory. */
import type { ProofKeyStore } from './proof-key.ts';

/** A registered device of this client. */
export interface StoredDevice {
  /** As the issuer folds it, see `createDevices`. */
  readonly username: string;
  readonly deviceId: string;
  /** HMAC-SHA-256, not extractable. */
  readonly key: CryptoKey;
}

export interface DeviceStore extends ProofKeyStore {
  read(username: string): Promise<StoredDevice | undefined>;
  write(device: StoredDevice): Promise<void>;
  remove(username: string): Promise<void>;
}

/** For Node, tests, and pages that forget their device with them. */
export const memoryDeviceStore = (): DeviceStore => {
  const devices = new Map<string, StoredDevice>();
  let proofKey: CryptoKeyPair | undefined;
  return {
    read: async (username) => devices.get(username),
    write: async (device) => void devices.set(device.username, device),
    remove: async (username) => void devices.delete(username),
    readProofKey: async () => proofKey,
    keepProofKey: async (drawn) => {
      proofKey ??= drawn;
      return proofKey;
    },
  };
};

const tableName = 'devices';
/** No user name holds a colon. */
const proofKeyName = ':proof';

/** One origin's devices, over reloads and restarts. Keys are cloned into it as they are: their bytes never meet a script. */
export const indexedDbDeviceStore = (name = 'sallyport', factory: IDBFactory = globalThis.indexedDB): DeviceStore => {
  const settled = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error ?? new Error('IndexedDB failed'));
    });
  const open = (): Promise<IDBDatabase> => {
    const request = factory.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(tableName, { keyPath: 'username' });
    return settled(request);
  };
  const run = async <T>(mode: IDBTransactionMode, act: (table: IDBObjectStore) => IDBRequest<T>): Promise<T> => {
    const database = await open();
    try {
      return await settled(act(database.transaction(tableName, mode).objectStore(tableName)));
    } finally {
      database.close();
    }
  };
  const readProofKey = async (): Promise<CryptoKeyPair | undefined> =>
    (await run<{ readonly pair: CryptoKeyPair } | undefined>('readonly', (table) => table.get(proofKeyName)))?.pair;
  return {
    readProofKey,
    keepProofKey: async (pair) => {
      try {
        await run('readwrite', (table) => table.add({ username: proofKeyName, pair }));
        return pair;
      } catch (error) {
        // Another tab was faster.
        const kept = await readProofKey();
        if (kept === undefined) throw error;
        return kept;
      }
    },
    read: (username) => run<StoredDevice | undefined>('readonly', (table) => table.get(username)),
    write: async (device) => void (await run('readwrite', (table) => table.put(device))),
    remove: (username) => run('readwrite', (table) => table.delete(username)),
  };
};
