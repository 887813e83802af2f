import type { SessionId, UserId } from '@sallyport/contract';
import { uuidToBytes } from '@sallyport/kit/random';
import type { NewUser } from '../../contracts/accounts.ts';
import type { Act, EffectData } from '../../contracts/effects.ts';
import type { ActContext } from '../../contracts/store.ts';
import type { SqlRow, Transaction } from '../transaction.ts';
import { appendEffect } from './effects.ts';
import { appendRevocation } from './revocations.ts';

const insertUser = `INSERT INTO users (id, realm_id, email, email_key, username, username_key, name, first_name, last_name, display_name,
    phone_sealed, password_hash, roles, permissions, created_at_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO NOTHING RETURNING *`;

export type SealedNewUser = Omit<NewUser, 'phoneNumber'> & { readonly phoneSealed: string | undefined };

/** Undefined: e-mail or user name is taken. */
export const createUser = (
  tx: Transaction,
  { user, context }: { readonly user: SealedNewUser; readonly context: ActContext },
): SqlRow | undefined => {
  const row = tx.get(
    insertUser,
    uuidToBytes(user.id),
    user.realmId,
    user.email ?? null,
    user.emailKey ?? null,
    user.username ?? null,
    user.usernameKey ?? null,
    user.name ?? null,
    user.firstName ?? null,
    user.lastName ?? null,
    user.displayName ?? null,
    user.phoneSealed ?? null,
    user.passwordHash ?? null,
    JSON.stringify(user.roles),
    JSON.stringify(user.permissions),
    tx.nowMs,
  );
  if (row === undefined) return undefined;
  const data: EffectData = { ...(user.email && { email: user.email }), ...(user.name && { name: user.name }) };
  appendEffect(tx, { act: 'user.created', realmId: user.realmId, userId: user.id, data, context });
  return row;
};

interface EpochChange {
  readonly userId: UserId;
  readonly act: Act;
  readonly cause: string;
  readonly context: ActContext;
  readonly lifetimeMs: number;
  readonly sessionId?: SessionId;
  readonly data?: EffectData;
}

/** The traces of a raised access epoch: the effect, and the entry that makes verifiers refuse older tokens. */
const traceEpochChange = (tx: Transaction, row: SqlRow, change: EpochChange): SqlRow => {
  const realmId = row['realm_id'] as NewUser['realmId'];
  appendEffect(tx, {
    act: change.act,
    realmId,
    userId: change.userId,
    ...(change.sessionId && { sessionId: change.sessionId }),
    ...(change.data && { data: change.data }),
    context: change.context,
  });
  const subject = { kind: 'user', userId: change.userId, minimumEpoch: Number(row['access_epoch']) } as const;
  appendRevocation(tx, { realmId, subject, cause: change.cause, lifetimeMs: change.lifetimeMs });
  return row;
};

export const changePassword = (
  tx: Transaction,
  input: {
    readonly userId: UserId;
    readonly expectedHash: string;
    readonly newHash: string;
    readonly sessionId: SessionId;
    readonly context: ActContext;
    readonly lifetimeMs: number;
  },
): SqlRow | undefined => {
  const row = tx.get(
    `UPDATE users SET password_hash = ?, session_epoch = session_epoch + 1, access_epoch = access_epoch + 1
      WHERE id = ? AND password_hash = ? AND deleted_at_ms IS NULL AND disabled_at_ms IS NULL RETURNING *`,
    input.newHash,
    uuidToBytes(input.userId),
    input.expectedHash,
  );
  if (row === undefined) return undefined;
  return traceEpochChange(tx, row, { ...input, act: 'password.changed', cause: 'password_changed' });
};

export const replacePasswordHash = (
  tx: Transaction,
  input: { readonly userId: UserId; readonly expectedHash: string; readonly newHash: string },
): void => {
  tx.run(
    'UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?',
    input.newHash,
    uuidToBytes(input.userId),
    input.expectedHash,
  );
};

interface UserAct {
  readonly userId: UserId;
  readonly context: ActContext;
  readonly lifetimeMs: number;
}

const currentUser = (tx: Transaction, userId: UserId): SqlRow | undefined =>
  tx.get('SELECT * FROM users WHERE id = ?', uuidToBytes(userId));

export const endAllSessions = (tx: Transaction, input: UserAct): SqlRow | undefined => {
  const row = tx.get(
    `UPDATE users SET session_epoch = session_epoch + 1, access_epoch = access_epoch + 1
      WHERE id = ? AND deleted_at_ms IS NULL RETURNING *`,
    uuidToBytes(input.userId),
  );
  return row && traceEpochChange(tx, row, { ...input, act: 'user.sessions_ended', cause: 'logout_all' });
};

export const disableUser = (tx: Transaction, input: UserAct): SqlRow | undefined => {
  const row = tx.get(
    `UPDATE users SET disabled_at_ms = ?, session_epoch = session_epoch + 1, access_epoch = access_epoch + 1
      WHERE id = ? AND deleted_at_ms IS NULL AND disabled_at_ms IS NULL RETURNING *`,
    tx.nowMs,
    uuidToBytes(input.userId),
  );
  if (row === undefined) return currentUser(tx, input.userId);
  return traceEpochChange(tx, row, { ...input, act: 'user.disabled', cause: 'disabled' });
};

export const enableUser = (tx: Transaction, input: UserAct): SqlRow | undefined => {
  const row = tx.get(
    'UPDATE users SET disabled_at_ms = NULL WHERE id = ? AND deleted_at_ms IS NULL AND disabled_at_ms IS NOT NULL RETURNING *',
    uuidToBytes(input.userId),
  );
  if (row === undefined) return currentUser(tx, input.userId);
  const realmId = row['realm_id'] as NewUser['realmId'];
  appendEffect(tx, { act: 'user.enabled', realmId, userId: input.userId, context: input.context });
  return row;
};

export const setUserRoles = (
  tx: Transaction,
  input: UserAct & { readonly roles: readonly string[]; readonly permissions: readonly string[] },
): SqlRow | undefined => {
  const row = tx.get(
    `UPDATE users SET roles = ?, permissions = ?, access_epoch = access_epoch + 1
      WHERE id = ? AND deleted_at_ms IS NULL RETURNING *`,
    JSON.stringify(input.roles),
    JSON.stringify(input.permissions),
    uuidToBytes(input.userId),
  );
  if (row === undefined) return undefined;
  const data: EffectData = { roles: input.roles, permissions: input.permissions };
  return traceEpochChange(tx, row, { ...input, act: 'user.roles_changed', cause: 'roles_changed', data });
};

export const deleteUser = (tx: Transaction, input: UserAct): SqlRow | undefined => {
  const row = tx.get(
    `UPDATE users SET deleted_at_ms = ?, session_epoch = session_epoch + 1, access_epoch = access_epoch + 1
      WHERE id = ? AND deleted_at_ms IS NULL RETURNING *`,
    tx.nowMs,
    uuidToBytes(input.userId),
  );
  if (row === undefined) return currentUser(tx, input.userId);
  return traceEpochChange(tx, row, { ...input, act: 'user.deleted', cause: 'deleted' });
};
