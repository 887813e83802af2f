/** The admin API's doors to sessions and devices. They translate, nothing else. */
import { isDeviceId, isSessionId, Problem } from '@sallyport/contract';
import type { AdminHandler } from '../route.ts';
import { liveUser } from './users-http.ts';
import { deviceView, sessionView } from './views.ts';

type SessionDoors = Readonly<
  Record<
    'adminListSessions' | 'adminEndSessions' | 'adminEndSession' | 'adminListDevices' | 'adminRevokeDevice',
    AdminHandler
  >
>;

export const createSessionsHttp = (): SessionDoors => ({
  adminListSessions: async (request) => {
    const sessions = await request.operations.listSessions(await liveUser(request));
    return { status: 200, body: { sessions: sessions.map(sessionView) } };
  },
  adminEndSessions: async (request) => {
    await request.operations.endAllSessions(await liveUser(request));
    return { status: 200, body: { ended: 'all' } };
  },
  adminEndSession: async ({ operations, params: { id } }) => {
    if (!isSessionId(id) || !(await operations.endSession(id))) throw new Problem('session_unknown');
    return { status: 200, body: { ended: true } };
  },
  adminListDevices: async (request) => {
    const devices = await request.operations.listDevices(await liveUser(request));
    return { status: 200, body: { devices: devices.map(deviceView) } };
  },
  adminRevokeDevice: async ({ operations, params: { id } }) => {
    if (!isDeviceId(id) || !(await operations.revokeDevice(id))) throw new Problem('device_unknown');
    return { status: 200, body: { revoked: true } };
  },
});
