import type { RealmId, UserId } from '@sallyport/contract';
import { isUuidText, uuidToBytes } from '@sallyport/kit/random';
import type { Erasure } from '../../contracts/housekeeping.ts';
import type { ActContext } from '../../contracts/store.ts';
import type { Transaction } from '../transaction.ts';
import { appendEffect } from './effects.ts';

const state = `SELECT realm_id, deleted_at_ms IS NOT NULL AS deleted, email IS NULL AND username IS NULL AS erased
  FROM users WHERE id = ?`;

const eraseColumns = `UPDATE users SET email = NULL, email_key = NULL, username = NULL, username_key = NULL, name = NULL,
  first_name = NULL, last_name = NULL, display_name = NULL, phone_sealed = NULL, avatar_url = NULL, password_hash = NULL
  WHERE id = ?`;

/** Members of an effect's data that name a person. */
const withoutPerson = (column: string): string => `json_remove(${column}, '$.email', '$.name')`;

export const eraseUser = (
  tx: Transaction,
  { userId, context }: { readonly userId: UserId; readonly context: ActContext },
): Erasure => {
  const id = uuidToBytes(userId);
  const user = tx.get(state, id);
  if (user === undefined) return { kind: 'unknown' };
  if (user['deleted'] === 0) return { kind: 'live' };
  tx.run(eraseColumns, id);
  // Of a deleted account no token is accepted, with or without its row.
  tx.run('DELETE FROM sessions WHERE user_id = ?', id);
  tx.run('DELETE FROM devices WHERE user_id = ?', id);
  tx.run(`UPDATE effects SET address = NULL, user_agent = NULL, data = ${withoutPerson('data')} WHERE user_id = ?`, id);
  tx.run(
    `UPDATE audit SET address = NULL, user_agent = NULL, person_salt = NULL, details = ${withoutPerson('details')} WHERE user_id = ?`,
    userId,
  );
  tx.run(`UPDATE outbox SET data = ${withoutPerson('data')} WHERE key = ?`, userId);
  if (user['erased'] === 0)
    appendEffect(tx, { act: 'user.erased', realmId: user['realm_id'] as RealmId, userId, context });
  return { kind: 'erased' };
};

/**
 * Whether what is known of the user has been erased: what another node was just moving from the effects arrives afterwards, and must
 * not bring it back. Every account that is not erased has an e-mail or a user name.
 */
export const isErased = (tx: Transaction, userId: string | undefined): boolean => {
  if (userId === undefined || !isUuidText(userId)) return false;
  const user = tx.get(state, uuidToBytes(userId));
  return user?.['deleted'] === 1 && user['erased'] === 1;
};

/** JSON text of an effect's data without the members that name a person. */
export const dataWithoutPerson = (text: string): string => {
  const { email: _email, name: _name, ...rest } = JSON.parse(text) as Readonly<Record<string, unknown>>;
  return JSON.stringify(rest);
};
