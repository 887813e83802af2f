import {
  deviceView,
  eventView,
  keyView,
  type Maintenance,
  removedRootView,
  rootView,
  sessionView,
  userView,
} from '@sallyport/auth/maintenance';
import { isDeviceId, isSessionId } from '@sallyport/contract';
import { createUser } from '../users/create-user.ts';
import { findUser } from '../users/find-user.ts';
import { listUsers } from '../users/list-users.ts';
import { requireUser } from '../users/require-user.ts';
import type { Desk } from './desk.ts';

export const localDesk = (store: Maintenance): Desk => ({
  createUser: async (who, options) => userView(await createUser(store, who, options)),
  listUsers: async (limit) => (await listUsers(store, limit)).map(userView),
  setDisabled: async (who, disabled) => userView(requireUser(who, await store.setDisabled(who, disabled))),
  setRoles: async (who, roles, permissions) =>
    userView(requireUser(who, await store.setRoles(who, roles, permissions))),
  listSessions: async (who) => (await store.listSessions(await findUser(store, who))).map(sessionView),
  endSession: async (id) => isSessionId(id) && store.endSession(id),
  endAllSessions: async (who) => store.endAllSessions(await findUser(store, who)),
  listDevices: async (who) => (await store.listDevices(await findUser(store, who))).map(deviceView),
  revokeDevice: async (id) => isDeviceId(id) && store.revokeDevice(id),
  listKeys: async () => (await store.listKeys()).map(keyView),
  rotateKeys: async () => (await store.rotateKeys())?.map(keyView),
  retireKey: (kid) => store.withdrawKey(kid),
  removeKey: (kid) => store.removeKey(kid),
  listRoots: async () => (await store.listRootKeys()).map(rootView),
  removeRoot: async (kid) => {
    const removal = await store.removeRootKey(Number(kid));
    return removal.kind === 'first' ? undefined : removedRootView(removal);
  },
  listEvents: async function* listEvents(filter, limit) {
    for await (const event of store.listEvents(filter, limit)) yield eventView(event);
  },
  replayEvents: (which) => store.replayEvents(which),
});
