import { deviceView, type Maintenance, sessionView, userView } from '@sallyport/auth/maintenance';
import { isDeviceId, isSessionId } from '@sallyport/contract';
import { findUser } from '../users/find-user.ts';
import { listUsers } from '../users/list-users.ts';
import { requireUser } from '../users/require-user.ts';
import type { Desk } from './desk.ts';

export const localDesk = (store: Maintenance): Desk => ({
  listUsers: async (limit) => (await listUsers(store, limit)).map(userView),
  setDisabled: async (who, disabled) => userView(requireUser(who, await store.setDisabled(who, disabled))),
  setRoles: async (who, roles, permissions) =>
    userView(requireUser(who, await store.setRoles(who, roles, permissions))),
  listSessions: async (who) => (await store.listSessions(await findUser(store, who))).map(sessionView),
  endSession: async (id) => isSessionId(id) && store.endSession(id),
  endAllSessions: async (who) => store.endAllSessions(await findUser(store, who)),
  listDevices: async (who) => (await store.listDevices(await findUser(store, who))).map(deviceView),
  revokeDevice: async (id) => isDeviceId(id) && store.revokeDevice(id),
});
