/** What the commands on accounts want done: on the host in its store (`local-desk.ts`), or elsewhere over the admin API (`remote-desk.ts`). */
import type { AccountView, DeviceView, SessionView } from '@sallyport/auth/maintenance';

export interface Desk {
  /** Oldest first, at most `limit`. */
  listUsers(limit: number): Promise<readonly AccountView[]>;
  /** @throws CommandError where there is no such account, as all that take one */
  setDisabled(idOrIdentifier: string, disabled: boolean): Promise<AccountView>;
  setRoles(idOrIdentifier: string, roles: readonly string[], permissions: readonly string[]): Promise<AccountView>;
  listSessions(idOrIdentifier: string): Promise<readonly SessionView[]>;
  /** False: there is no such session. */
  endSession(sessionId: string): Promise<boolean>;
  endAllSessions(idOrIdentifier: string): Promise<void>;
  listDevices(idOrIdentifier: string): Promise<readonly DeviceView[]>;
  /** False: there is no such device. */
  revokeDevice(deviceId: string): Promise<boolean>;
}
