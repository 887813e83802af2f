/** What the commands on accounts want done: on the host in its store (`local-desk.ts`), or elsewhere over the admin API (`remote-desk.ts`). */
import type {
  AccountView,
  DeviceView,
  EventView,
  KeyView,
  RemovedRootView,
  RootView,
  SessionView,
} from '@sallyport/auth/maintenance';
import type { EventFilter } from '@sallyport/storage/contracts/outbox';
import type { NewUserOptions } from '../users/create-user.ts';

export interface Desk {
  /** The password is read from standard input or a prompt. */
  createUser(identifier: string, options: NewUserOptions): Promise<AccountView>;
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
  listKeys(): Promise<readonly KeyView[]>;
  /** Undefined: a secret or a key of the owner signs, and not the ring. */
  rotateKeys(): Promise<readonly KeyView[] | undefined>;
  retireKey(kid: string): Promise<'withdrawn' | 'current' | 'unknown'>;
  /** Whether the ring had it. */
  removeKey(kid: string): Promise<boolean>;
  listRoots(): Promise<readonly RootView[]>;
  /** Ends every session whose token the root key derived. Undefined: it is the first one, and issuers derive with it. */
  removeRoot(kid: string): Promise<RemovedRootView | undefined>;
  /** Oldest first, at most `limit`. */
  listEvents(filter: EventFilter, limit: number): AsyncIterable<EventView>;
  replayEvents(which: { readonly ids: readonly string[] } | { readonly filter: EventFilter }): Promise<number>;
}
