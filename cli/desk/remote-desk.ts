import type {
  AccountView,
  DeviceView,
  EventView,
  KeyView,
  RemovedRootView,
  RootView,
  SessionView,
} from '@sallyport/auth/maintenance';
import { isUuid } from '@sallyport/contract';
import type { EventFilter } from '@sallyport/storage/contracts/outbox';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { readPassword } from '../users/read-password.ts';
import { type AdminClient, AdminRefusal } from './admin-client.ts';
import type { Desk } from './desk.ts';

const longestPage = 1000;

interface UserPage {
  readonly users: readonly AccountView[];
  readonly next?: string;
}

export const remoteDesk = ({ call }: AdminClient): Desk => {
  const found = <T>(who: string, answer: T | undefined): T => {
    if (answer === undefined) throw new CommandError(`There is no account ${who}.`);
    return answer;
  };
  /** A search gives accounts in the order of their keys: one that is the whole key comes first. */
  const idOf = async (who: string): Promise<string> => {
    if (isUuid(who)) return who;
    const query = new URLSearchParams({ search: who, limit: '1' });
    const page = await call<UserPage>('GET', `/users?${query.toString()}`);
    const [first] = page?.users ?? [];
    const named = first?.email ?? first?.username;
    return found(who, named !== undefined && fold(named) === fold(who) ? first?.id : undefined);
  };
  const ofUser = async <T>(method: string, who: string, path: string, body?: object): Promise<T> =>
    found(who, await call<T>(method, `/users/${await idOf(who)}${path}`, body));
  return {
    createUser: async (identifier, { name, role: roles = [], permission: permissions = [], passwordHash }) => {
      if (passwordHash === true) throw new CommandError('Password hashes are imported on the host.', exitCodes.usage);
      const given = { ...(roles.length > 0 && { roles }), ...(permissions.length > 0 && { permissions }) };
      const password = await readPassword(process.stdin);
      const body = { identifier, password, ...(name !== undefined && { name }), ...given };
      return answered(await call<{ readonly user: AccountView }>('POST', '/users', body)).user;
    },
    listUsers: async (limit) => {
      const users: AccountView[] = [];
      for (let after: string | undefined; users.length < limit; ) {
        const query = new URLSearchParams({ limit: String(Math.min(longestPage, limit - users.length)) });
        if (after !== undefined) query.set('after', after);
        const page = await call<UserPage>('GET', `/users?${query.toString()}`);
        users.push(...(page?.users ?? []));
        if (page?.next === undefined) break;
        after = page.next;
      }
      return users;
    },
    setDisabled: async (who, disabled) =>
      (await ofUser<{ readonly user: AccountView }>('POST', who, disabled ? '/disable' : '/enable')).user,
    setRoles: async (who, roles, permissions) =>
      (await ofUser<{ readonly user: AccountView }>('PUT', who, '/roles', { roles, permissions })).user,
    listSessions: async (who) =>
      (await ofUser<{ readonly sessions: readonly SessionView[] }>('GET', who, '/sessions')).sessions,
    endSession: async (id) => isUuid(id) && (await call('DELETE', `/sessions/${id}`)) !== undefined,
    endAllSessions: async (who) => void (await ofUser('DELETE', who, '/sessions')),
    listDevices: async (who) =>
      (await ofUser<{ readonly devices: readonly DeviceView[] }>('GET', who, '/devices')).devices,
    revokeDevice: async (id) => isUuid(id) && (await call('DELETE', `/devices/${id}`)) !== undefined,
    ...remoteKeys(call),
    ...remoteEvents(call),
  };
};

/** Where nothing can be missing, a 404 is none of this API's. */
const answered = <T>(answer: T | undefined): T => {
  if (answer === undefined) throw new CommandError('There is no such thing at this admin API; is it an older one?');
  return answer;
};

type KeyDesk = Pick<Desk, 'listKeys' | 'rotateKeys' | 'retireKey' | 'removeKey' | 'listRoots' | 'removeRoot'>;
interface Ring {
  readonly keys: readonly KeyView[];
}

/** The value of a refusal that is an answer. */
const unless = async <T, V>(code: string, value: V, work: Promise<T>): Promise<T | V> => {
  try {
    return await work;
  } catch (error) {
    if (error instanceof AdminRefusal && error.code === code) return value;
    throw error;
  }
};

const remoteKeys = (call: AdminClient['call']): KeyDesk => ({
  listKeys: async () => answered(await call<Ring>('GET', '/keys')).keys,
  rotateKeys: async () => (await unless('keys_external', undefined, call<Ring>('POST', '/keys/rotate')))?.keys,
  retireKey: async (kid) => {
    const retired = await unless(
      'key_signs',
      'current' as const,
      call('POST', `/keys/${encodeURIComponent(kid)}/retire`),
    );
    if (retired === 'current') return retired;
    return retired === undefined ? 'unknown' : 'withdrawn';
  },
  removeKey: async (kid) =>
    answered(await call<{ readonly in_ring: boolean }>('DELETE', `/keys/${encodeURIComponent(kid)}`)).in_ring,
  listRoots: async () => answered(await call<{ readonly roots: readonly RootView[] }>('GET', '/keys/roots')).roots,
  removeRoot: async (kid) => {
    const removed = call<RemovedRootView>('DELETE', `/keys/roots/${kid}`);
    const answer = await unless('key_signs', 'first' as const, removed);
    return answer === 'first' ? undefined : answered(answer);
  },
});

const remoteEvents = (call: AdminClient['call']): Pick<Desk, 'listEvents' | 'replayEvents'> => ({
  listEvents: async function* listEvents(filter, limit) {
    let after: string | undefined;
    for (let left = limit; left > 0; left -= longestPage) {
      const query = new URLSearchParams({ ...given(filter), limit: String(Math.min(longestPage, left)) });
      if (after !== undefined) query.set('after', after);
      const page = answered(await call<EventPage>('GET', `/events?${query.toString()}`));
      yield* page.events;
      if (page.next === undefined) return;
      after = page.next;
    }
  },
  replayEvents: async (which) => {
    const body = 'ids' in which ? which : { filter: given(which.filter) };
    if ('filter' in body && Object.keys(body.filter).length === 0)
      throw new CommandError('Everything is sent again on the host alone: name ids or filters.', exitCodes.usage);
    return answered(await call<{ readonly replayed: number }>('POST', '/events/replay', body)).replayed;
  },
});

interface EventPage {
  readonly events: readonly EventView[];
  readonly next?: string;
}

const given = ({ type, key, state, sinceMs, untilMs }: EventFilter): Record<string, string> => ({
  ...(type !== undefined && { type }),
  ...(key !== undefined && { user: key }),
  ...(state !== undefined && { state }),
  ...(sinceMs !== undefined && { since: new Date(sinceMs).toISOString() }),
  ...(untilMs !== undefined && { until: new Date(untilMs).toISOString() }),
});

/** Two spellings of one account: it is the issuer that says what is one, and this only refuses what merely begins alike. */
const fold = (text: string): string => text.normalize('NFKC').toLowerCase().normalize('NFKC');
