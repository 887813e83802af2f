/**
 * What an operator may do with a store that servers work on: from the command line on its host, and over the admin API. One use case for
 * both; they differ in who acts. Every act is written with its effect, and stands behind its intent where that is the audit's mode.
 */
import { defaultRealm, isUserId, type SessionId, type UserId } from '@sallyport/contract';
import { emailKey, foldText, usernameKey } from '@sallyport/kit/identifier';
import type { Sealer } from '@sallyport/kit/seal';
import type { Accounts, LoginIdentifier, User } from '@sallyport/storage/contracts/accounts';
import type { Audit } from '@sallyport/storage/contracts/audit';
import type { Device } from '@sallyport/storage/contracts/devices';
import type { Keys, StoredKey } from '@sallyport/storage/contracts/keys';
import type { EventFilter, StoredEvent } from '@sallyport/storage/contracts/outbox';
import type { Session } from '@sallyport/storage/contracts/sessions';
import type { Storage } from '@sallyport/storage/contracts/storage';
import type { ActContext } from '@sallyport/storage/contracts/store';
import { createDeleteAccount } from './account/delete-account.ts';
import type { Intents } from './audit/intents.ts';
import { reseal } from './cleanup/reseal.ts';
import type { AuthSettings } from './config.ts';
import { createRevokeDevice } from './devices/revoke-device.ts';
import { listKeys, rotateKeys } from './key-maintenance.ts';
import { listEvents, replayEvents } from './outbox/maintain-events.ts';
import type { createRegister, RegisterOutcome } from './register/register.ts';
import { type RootKeyRemoval, removeRootKey } from './remove-root-key.ts';
import { listRootKeys, type RootKeyUse } from './root-key-maintenance.ts';
import { endAllSessions, endSession, listDevices, listSessions } from './session-maintenance.ts';

export type { RootKeyRemoval } from './remove-root-key.ts';
export type { RootKeyUse } from './root-key-maintenance.ts';

export interface AccountData {
  /** E-mail or user name, as the preset logs in. */
  readonly identifier: string;
  readonly name?: string;
  /** None, and no permissions either: those of whoever registers. */
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
}

export interface NewAccount extends AccountData {
  readonly password: string;
}

export interface FoundUsers {
  readonly live: User | undefined;
  readonly deleted: readonly User[];
}

export interface UserSearch {
  /** What the e-mail or user name begins with, in any spelling. */
  readonly text: string;
  /** The last one of the page before. */
  readonly after?: string;
  readonly limit: number;
}

export interface UserPage {
  readonly users: readonly User[];
  /** Where the next page begins; undefined: this was the last. */
  readonly next?: string;
}

export interface Operations {
  createUser(account: NewAccount): Promise<RegisterOutcome>;
  /** Undefined: no such account. */
  setDisabled(idOrIdentifier: string, disabled: boolean): Promise<User | undefined>;
  setRoles(idOrIdentifier: string, roles: readonly string[], permissions: readonly string[]): Promise<User | undefined>;
  /** Deletes an account as its owner would. */
  deleteUser(userId: UserId): Promise<void>;
  /** The live account and the deleted ones that an id, an e-mail or a user name stands for. */
  findUsers(idOrIdentifier: string): Promise<FoundUsers>;
  /** Oldest first. */
  listUsers(page: { readonly after?: UserId; readonly limit: number }): Promise<readonly User[]>;
  /** In the order of what they log in with. */
  searchUsers(search: UserSearch): Promise<UserPage>;
  /** Live ones of an account, newest first. */
  listSessions(user: User): Promise<readonly Session[]>;
  /** False: no live session of this id. */
  endSession(sessionId: SessionId): Promise<boolean>;
  endAllSessions(user: User): Promise<void>;
  listDevices(user: User): Promise<readonly Device[]>;
  /** Its session dies with it. False: there is no such device. */
  revokeDevice(deviceId: Device['id']): Promise<boolean>;
  /** All keys of the ring, by algorithm, current first. */
  listKeys(): Promise<readonly StoredKey[]>;
  /**
   * Publishes a next key where there is none; issuers sign with it once it has been published for its time. Undefined: a secret or a key of
   * the owner signs, and not the ring.
   */
  rotateKeys(): Promise<readonly StoredKey[] | undefined>;
  /** Takes a next or retired key out of the ring. */
  withdrawKey(kid: string): ReturnType<Keys['withdrawKey']>;
  /** Whether the store kept the key; verifiers refuse what it has signed either way, once they hear of it. */
  removeKey(kid: string): Promise<boolean>;
  /** What still needs which root key; reads every live session and whatever is sealed. */
  listRootKeys(): Promise<readonly RootKeyUse[]>;
  /** Ends every session whose token the root key derived, and seals anew what it sealed. Reads every session. */
  removeRootKey(keyId: number): Promise<RootKeyRemoval>;
  /** Events of the outbox that fit, oldest first, from behind the position `after` on. */
  listEvents(filter: EventFilter, limit: number, after?: number): AsyncIterable<StoredEvent>;
  /** Lets relays send events again, under the ids that they have. Says how many; those that have not left yet do not count. */
  replayEvents(what: { readonly ids: readonly string[] } | { readonly filter: EventFilter }): Promise<number>;
}

export interface OperationParts {
  readonly settings: AuthSettings;
  readonly storage: Storage;
  readonly sealer: Sealer;
  readonly trail: Pick<Audit, 'listCheckpoints'>;
  readonly createUser: (account: NewAccount, context: ActContext) => Promise<RegisterOutcome>;
}

/** Who acts. */
export interface Acting {
  readonly context: () => ActContext;
  /** Stands around every act that changes something. */
  readonly around: Intents['around'];
}

export const createOperations = (parts: OperationParts): ((acting: Acting) => Operations) => {
  const { settings, storage, sealer, trail } = parts;
  const { accounts, keys, outbox, effects } = storage;
  const kids = settings.rootKeys.map(({ kid }) => kid);
  const revokeDevice = createRevokeDevice(storage);
  const deleteAccount = createDeleteAccount(storage);
  const live = async (idOrIdentifier: string) => (await findUsers(settings, storage, idOrIdentifier)).live;

  return function operationsOf({ context, around }) {
    /** Here, and not in the doors: no act that changes something can be without it. */
    const act = <T>(name: keyof Operations, run: () => Promise<T>): Promise<T> =>
      around({ name, context: context() }, run);
    return {
      createUser: (account) => act('createUser', () => parts.createUser(account, context())),
      setDisabled: (idOrIdentifier, disabled) =>
        act('setDisabled', async () => {
          const user = await live(idOrIdentifier);
          return user && accounts.setUserDisabled(user.id, disabled, context());
        }),
      setRoles: (idOrIdentifier, roles, permissions) =>
        act('setRoles', async () => {
          const user = await live(idOrIdentifier);
          return user && accounts.setUserRoles({ userId: user.id, roles, permissions, context: context() });
        }),
      deleteUser: (userId) => act('deleteUser', () => deleteAccount(userId, context())),
      findUsers: (idOrIdentifier) => findUsers(settings, storage, idOrIdentifier),
      listUsers: (page) => accounts.listUsers(defaultRealm, page),
      searchUsers: (search) => searchUsers(settings, accounts, search),
      listSessions: (user) => listSessions(storage, user),
      endSession: (sessionId) => act('endSession', () => endSession(storage, sessionId, context())),
      endAllSessions: (user) => act('endAllSessions', () => endAllSessions(storage, user, context())),
      listDevices: (user) => listDevices(storage, user),
      revokeDevice: (deviceId) =>
        act('revokeDevice', async () => {
          const owner = (await storage.devices.findDevice(deviceId))?.userId;
          return owner !== undefined && revokeDevice.revoke({ id: owner }, deviceId, context());
        }),
      listKeys: () => listKeys(keys),
      rotateKeys: () => act('rotateKeys', () => rotateKeys(settings, { sealer, keys, context: context() })),
      withdrawKey: (kid) =>
        act('withdrawKey', () => keys.withdrawKey({ realmId: defaultRealm, kid, context: context() })),
      removeKey: (kid) => act('removeKey', () => keys.removeKey({ realmId: defaultRealm, kid, context: context() })),
      listRootKeys: () => listRootKeys(settings.rootKeys, { rootKeys: storage.rootKeys, audit: trail }),
      removeRootKey: (keyId) =>
        act('removeRootKey', () =>
          removeRootKey(keyId, {
            ...{ storage, first: kids[0], context: context() },
            reseal: () => reseal({ rootKeys: storage.rootKeys, sealer, kids }),
          }),
        ),
      listEvents: (filter, limit, after) => listEvents(outbox, filter, limit, after),
      replayEvents: (what) => act('replayEvents', () => replayEvents({ outbox, effects, context: context() }, what)),
    };
  };
};

/** As a registration, and then what no registration may give. */
export const createUserMaker =
  ({
    accounts,
    register,
    identifier: member,
  }: {
    readonly accounts: Pick<Accounts, 'setUserRoles'>;
    readonly register: ReturnType<typeof createRegister>;
    readonly identifier: LoginIdentifier['kind'];
  }): OperationParts['createUser'] =>
  async ({ identifier, name, password, roles, permissions }, context) => {
    const body = { [member]: identifier, password, ...(name !== undefined && { name }) };
    const outcome = await register(body, context);
    if (outcome.kind !== 'registered' || (roles.length === 0 && permissions.length === 0)) return outcome;
    const input = { userId: outcome.user.id, roles, permissions, context };
    return { ...outcome, user: (await accounts.setUserRoles(input)) ?? outcome.user };
  };

const keyOf = { email: emailKey, username: usernameKey } as const;

const loginOf = ({ shape }: AuthSettings, identifier: string): LoginIdentifier | undefined => {
  const kind = shape.identifier;
  const key = keyOf[kind](identifier);
  return key === undefined ? undefined : { kind, key };
};

const findUsers = async (
  settings: AuthSettings,
  { accounts, housekeeping }: Storage,
  idOrIdentifier: string,
): Promise<FoundUsers> => {
  if (isUserId(idOrIdentifier)) {
    const user = await accounts.findUser(idOrIdentifier);
    if (user === undefined) return { live: undefined, deleted: [] };
    return user.deletedAtMs === undefined ? { live: user, deleted: [] } : { live: undefined, deleted: [user] };
  }
  const login = loginOf(settings, idOrIdentifier);
  if (login === undefined) return { live: undefined, deleted: [] };
  const deleted = await housekeeping.findDeletedUsers(defaultRealm, login);
  return { live: await accounts.findUserForLogin(defaultRealm, login), deleted };
};

const searchUsers = async (
  { shape: { identifier: kind } }: AuthSettings,
  accounts: Pick<Accounts, 'searchUsers'>,
  { text, after, limit }: UserSearch,
): Promise<UserPage> => {
  // A part of a domain cannot be turned into punycode, as the key of a whole address is.
  const prefix = keyOf[kind](text) ?? foldText(text);
  const users = await accounts.searchUsers(defaultRealm, {
    kind,
    prefix,
    limit,
    ...(after !== undefined && { after }),
  });
  const last = users.at(-1)?.[kind];
  const next = users.length < limit || last === undefined ? undefined : keyOf[kind](last);
  return { users, ...(next !== undefined && { next }) };
};
