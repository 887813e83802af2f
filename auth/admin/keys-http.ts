/** The admin API's doors to the ring of signing keys, and to root keys. They translate, nothing else. */
import { Problem } from '@sallyport/contract';
import type { Operations } from '../operations.ts';
import type { AdminHandler } from '../route.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { keyView, removedRootView, rootView } from './views.ts';

type KeyDoors = Readonly<
  Record<
    'adminListKeys' | 'adminRotateKeys' | 'adminRetireKey' | 'adminRemoveKey' | 'adminListRoots' | 'adminRemoveRoot',
    AdminHandler
  >
>;

export const createKeysHttp = ({ listRootKeys }: Pick<Operations, 'listRootKeys'>): KeyDoors => {
  const readRoots = oneAtATime(listRootKeys);
  const removeRoot = oneAtATime((operations: Operations, keyId: number) => operations.removeRootKey(keyId));
  return {
    adminListKeys: async ({ operations }) => ({
      status: 200,
      body: { keys: (await operations.listKeys()).map(keyView) },
    }),
    adminRotateKeys: async ({ operations }) => {
      const ring = await operations.rotateKeys();
      if (ring === undefined) throw new Problem('keys_external');
      return { status: 200, body: { keys: ring.map(keyView) } };
    },
    adminRetireKey: async ({ operations, params }) => {
      switch (await operations.withdrawKey(params['kid'] ?? '')) {
        case 'unknown':
          throw new Problem('not_found');
        case 'current':
          throw new Problem('key_signs');
        case 'withdrawn':
          return { status: 200, body: { retired: true } };
      }
    },
    adminRemoveKey: async ({ operations, params }) => ({
      status: 200,
      body: { removed: true, in_ring: await operations.removeKey(params['kid'] ?? '') },
    }),
    adminListRoots: async () => ({ status: 200, body: { roots: (await readRoots()).map(rootView) } }),
    adminRemoveRoot: async ({ operations, params }) => {
      const removal = await removeRoot(operations, Number(params['kid']));
      if (removal.kind === 'first') throw new Problem('key_signs');
      return { status: 200, body: removedRootView(removal) };
    },
  };
};
