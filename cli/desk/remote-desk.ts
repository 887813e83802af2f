import type { AccountView, DeviceView, SessionView } from '@sallyport/auth/maintenance';
import { isUuid } from '@sallyport/contract';
import { CommandError } from '../exit-codes.ts';
import type { AdminClient } from './admin-client.ts';
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
  };
};

/** Two spellings of one account: it is the issuer that says what is one, and this only refuses what merely begins alike. */
const fold = (text: string): string => text.normalize('NFKC').toLowerCase().normalize('NFKC');
