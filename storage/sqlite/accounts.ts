import { uuidToBytes } from '@sallyport/kit/random';
import type { Accounts } from '../contracts/accounts.ts';
import { lastCodePoint } from '../key-order.ts';
import { places } from '../sealed-columns.ts';
import type { Driver } from './driver.ts';
import * as rows from './rows.ts';
import type { SqlRow } from './transaction.ts';

export const accounts = ({ queue, reader, sealer, lifetimeMs }: Driver): Accounts => {
  const user = (row: SqlRow | undefined) => row && rows.userFromRow(row, sealer);
  const loginStatements = {
    email: 'SELECT * FROM users WHERE realm_id = ? AND email_key = ? AND deleted_at_ms IS NULL',
    username: 'SELECT * FROM users WHERE realm_id = ? AND username_key = ? AND deleted_at_ms IS NULL',
  } as const;
  return {
    createUser: async ({ phoneNumber, ...plain }, context) => {
      const phoneSealed = phoneNumber === undefined ? undefined : sealer.seal(phoneNumber, places.phone(plain.id));
      const row = await queue.call('createUser', { user: { ...plain, phoneSealed }, context });
      return row === undefined ? { kind: 'taken' } : { kind: 'created', user: rows.userFromRow(row, sealer) };
    },
    findUserForLogin: async (realmId, { kind, key }) => user(await reader.get(loginStatements[kind], realmId, key)),
    findUser: async (userId) => user(await reader.get('SELECT * FROM users WHERE id = ?', uuidToBytes(userId))),
    changePassword: async (input) => {
      const row = await queue.call('changePassword', { ...input, lifetimeMs });
      return row === undefined ? { changed: false } : { changed: true, user: rows.userFromRow(row, sealer) };
    },
    replacePasswordHash: (input) => queue.call('replacePasswordHash', input),
    endAllSessions: async (userId, context) =>
      user(await queue.call('endAllSessions', { userId, context, lifetimeMs })),
    setUserDisabled: async (userId, disabled, context) =>
      user(await queue.call(disabled ? 'disableUser' : 'enableUser', { userId, context, lifetimeMs })),
    setUserRoles: async (input) => user(await queue.call('setUserRoles', { ...input, lifetimeMs })),
    deleteUser: async (userId, context) => user(await queue.call('deleteUser', { userId, context, lifetimeMs })),
    listUsers: async (realmId, { after, limit }) => {
      const from = after === undefined ? new Uint8Array(0) : uuidToBytes(after);
      const found = await reader.all(
        'SELECT * FROM users WHERE realm_id = ? AND deleted_at_ms IS NULL AND id > ? ORDER BY id LIMIT ?',
        realmId,
        from,
        limit,
      );
      return found.map((row) => rows.userFromRow(row, sealer));
    },
    searchUsers: async (realmId, { kind, prefix, after, limit }) => {
      const column = `${kind}_key`;
      const found = await reader.all(
        `SELECT * FROM users WHERE realm_id = ? AND ${column} >= ? AND ${column} < ? AND ${column} > ? AND deleted_at_ms IS NULL
          ORDER BY ${column} LIMIT ?`,
        realmId,
        prefix,
        prefix + lastCodePoint,
        after ?? '',
        limit,
      );
      return found.map((row) => rows.userFromRow(row, sealer));
    },
  };
};
