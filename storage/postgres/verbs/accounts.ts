import type { Accounts, User } from '../../contracts/accounts.ts';
import { lastCodePoint } from '../../key-order.ts';
import { places as sealedPlaces } from '../../sealed-columns.ts';
import type { SqlRow } from '../connection.ts';
import { byOf, byValues, type Driver, places } from '../driver.ts';
import { listed, userColumns, userFromRow } from '../rows.ts';

export const accounts = ({ schema: s, sealer, lifetimeMs, read, write, revoke }: Driver): Accounts => {
  const columns = listed(userColumns);
  const create = `SELECT ${columns} FROM ${s}.create_user(${places(15)}, ${byOf(s, 16)})`;
  const byLogin = {
    email: `SELECT ${columns} FROM ${s}.users WHERE realm_id = $1 AND email_key = $2 AND deleted_at_ms IS NULL`,
    username: `SELECT ${columns} FROM ${s}.users WHERE realm_id = $1 AND username_key = $2 AND deleted_at_ms IS NULL`,
  } as const;
  const byId = `SELECT ${columns} FROM ${s}.users WHERE id = $1`;
  const change = `SELECT ${columns} FROM ${s}.change_password($1, $2, $3, $4, ${byOf(s, 5)}, $9)`;
  const replace = `UPDATE ${s}.users SET password_hash = $1 WHERE id = $2 AND password_hash = $3`;
  const act = (verb: 'end_all_sessions' | 'disable_user' | 'delete_user'): string =>
    `SELECT ${columns} FROM ${s}.${verb}($1, ${byOf(s, 2)}, $6)`;
  const enable = `SELECT ${columns} FROM ${s}.enable_user($1, ${byOf(s, 2)})`;
  const roles = `SELECT ${columns} FROM ${s}.set_user_roles($1, $2, $3, ${byOf(s, 4)}, $8)`;
  const firstPage = `SELECT ${columns} FROM ${s}.users WHERE realm_id = $1 AND deleted_at_ms IS NULL ORDER BY id LIMIT $2`;
  const nextPage = `SELECT ${columns} FROM ${s}.users WHERE realm_id = $1 AND deleted_at_ms IS NULL AND id > $3
    ORDER BY id LIMIT $2`;
  const search = {
    email: searchBy(s, columns, 'email_key'),
    username: searchBy(s, columns, 'username_key'),
  } as const;
  const one = ([row]: readonly SqlRow[]) => row && userFromRow(row, sealer);

  return {
    createUser: async (user, context) => {
      const { phoneNumber: phone } = user;
      const found = await write(
        create,
        user.id,
        user.realmId,
        user.email ?? null,
        user.emailKey ?? null,
        user.username ?? null,
        user.usernameKey ?? null,
        user.name ?? null,
        user.firstName ?? null,
        user.lastName ?? null,
        user.displayName ?? null,
        phone === undefined ? null : sealer.seal(phone, sealedPlaces.phone(user.id)),
        user.passwordHash ?? null,
        user.roles,
        user.permissions,
        { ...(user.email && { email: user.email }), ...(user.name && { name: user.name }) },
        ...byValues(context),
      );
      const made = one(found);
      return made === undefined ? { kind: 'taken' } : { kind: 'created', user: made };
    },
    findUserForLogin: async (realmId, { kind, key }) => one(await read(byLogin[kind], realmId, key)),
    findUser: async (userId) => one(await read(byId, userId)),
    changePassword: async ({ userId, expectedHash, newHash, sessionId, context }) => {
      const values = [userId, expectedHash, newHash, sessionId, ...byValues(context), lifetimeMs];
      const user: User | undefined = one(await revoke(change, ...values));
      return user === undefined ? { changed: false } : { changed: true, user };
    },
    replacePasswordHash: async ({ userId, expectedHash, newHash }) => {
      await write(replace, newHash, userId, expectedHash);
    },
    endAllSessions: async (userId, context) =>
      one(await revoke(act('end_all_sessions'), userId, ...byValues(context), lifetimeMs)),
    setUserDisabled: async (userId, disabled, context) =>
      disabled
        ? one(await revoke(act('disable_user'), userId, ...byValues(context), lifetimeMs))
        : one(await write(enable, userId, ...byValues(context))),
    setUserRoles: async ({ userId, roles: given, permissions, context }) =>
      one(await revoke(roles, userId, given, permissions, ...byValues(context), lifetimeMs)),
    deleteUser: async (userId, context) =>
      one(await revoke(act('delete_user'), userId, ...byValues(context), lifetimeMs)),
    listUsers: async (realmId, { after, limit }) => {
      const found =
        after === undefined ? await read(firstPage, realmId, limit) : await read(nextPage, realmId, limit, after);
      return found.map((row) => userFromRow(row, sealer));
    },
    searchUsers: async (realmId, { kind, prefix, after = '', limit }) => {
      const found = await read(search[kind], realmId, prefix, prefix + lastCodePoint, after, limit);
      return found.map((row) => userFromRow(row, sealer));
    },
  };
};

const searchBy = (s: string, columns: string, column: 'email_key' | 'username_key'): string => {
  const key = `${column} COLLATE "C"`;
  return `SELECT ${columns} FROM ${s}.users WHERE realm_id = $1 AND ${key} >= $2 AND ${key} < $3 AND ${key} > $4
    AND deleted_at_ms IS NULL AND ${column} IS NOT NULL ORDER BY ${key} LIMIT $5`;
};
