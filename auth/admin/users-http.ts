/** The admin API's doors to accounts. They translate, nothing else. */
import { isUserId, Problem } from '@sallyport/contract';
import type { User } from '@sallyport/storage/contracts/accounts';
import { refusedPassword } from '../factors/factor.ts';
import type { Operations } from '../operations.ts';
import type { AdminHandler, AdminRequest, RouteAnswer } from '../route.ts';
import { limitOf } from './page.ts';
import { userView } from './views.ts';

type UserDoors = Readonly<
  Record<
    | 'adminListUsers'
    | 'adminCreateUser'
    | 'adminShowUser'
    | 'adminDisableUser'
    | 'adminEnableUser'
    | 'adminDeleteUser'
    | 'adminSetRoles',
    AdminHandler
  >
>;

/** @throws Problem `not_found` where no live account has the id of the path */
export const liveUser = async ({ operations, params }: AdminRequest): Promise<User> => {
  const { live } = await operations.findUsers(params['id'] ?? '');
  if (live === undefined) throw new Problem('not_found');
  return live;
};

export const createUsersHttp = (): UserDoors => ({
  adminListUsers: async ({ operations, query }) => {
    const limit = limitOf(query);
    const { search: text, after } = query;
    if (text !== undefined) {
      const { users, next } = await operations.searchUsers({ text, limit, ...(after !== undefined && { after }) });
      return { status: 200, body: { users: users.map(userView), ...(next !== undefined && { next }) } };
    }
    if (after !== undefined && !isUserId(after))
      throw new Problem('query_invalid', { extensions: { parameter: 'after' } });
    const users = await operations.listUsers({ limit, ...(after !== undefined && { after }) });
    const next = users.length < limit ? undefined : users.at(-1)?.id;
    return { status: 200, body: { users: users.map(userView), ...(next !== undefined && { next }) } };
  },
  adminCreateUser: async ({ operations, body, caller }) => {
    const { identifier, password, name, roles = [], permissions = [] } = body as unknown as NewUserBody;
    // Else whoever may create accounts could create an administrator, and be it.
    if ((roles.length > 0 || permissions.length > 0) && !caller.scopes.includes('roles:write'))
      throw new Problem('scope_insufficient', { extensions: { scope: 'roles:write' } });
    const outcome = await operations.createUser({
      identifier,
      password,
      roles: roles.length === 0 && permissions.length > 0 ? ['user'] : roles,
      permissions,
      ...(name !== undefined && { name }),
    });
    return { status: 201, body: { user: userView(createdUser(outcome)) } };
  },
  adminShowUser: async (request) => shown(await liveUser(request)),
  adminDisableUser: async ({ operations, params }) => shown(await operations.setDisabled(params['id'] ?? '', true)),
  adminEnableUser: async ({ operations, params }) => shown(await operations.setDisabled(params['id'] ?? '', false)),
  adminDeleteUser: async (request) => {
    await request.operations.deleteUser((await liveUser(request)).id);
    return { status: 200, body: { deleted: true } };
  },
  adminSetRoles: async ({ operations, params, body }) => {
    const { roles, permissions } = body as { readonly roles: string[]; readonly permissions: string[] };
    return shown(await operations.setRoles(params['id'] ?? '', roles, permissions));
  },
});

/** As the schema has validated it. */
interface NewUserBody {
  readonly identifier: string;
  readonly password: string;
  readonly name?: string;
  readonly roles?: readonly string[];
  readonly permissions?: readonly string[];
}

const shown = (user: User | undefined): RouteAnswer => {
  if (user === undefined) throw new Problem('not_found');
  return { status: 200, body: { user: userView(user) } };
};

const createdUser = (outcome: Awaited<ReturnType<Operations['createUser']>>): User => {
  switch (outcome.kind) {
    case 'registered':
      return outcome.user;
    case 'taken':
      throw new Problem('account_exists');
    case 'missing':
      throw new Problem('field_missing', { fields: outcome.fields });
    case 'identifier_invalid':
      throw new Problem('email_invalid', { fields: [{ path: '/identifier', code: 'email_invalid' }] });
    case 'identifier_unseen':
      throw new Problem('username_unseen', { fields: [{ path: '/identifier', code: 'username_unseen' }] });
    case 'password_refused':
      throw refusedPassword(outcome.problem, '/password');
  }
};
