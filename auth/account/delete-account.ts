import type { UserId } from '@sallyport/contract';
import type { Accounts } from '@sallyport/storage/contracts/accounts';
import type { Sessions } from '@sallyport/storage/contracts/sessions';
import type { ActContext } from '@sallyport/storage/contracts/store';

export interface DeleteAccountOptions {
  readonly accounts: Accounts;
  readonly sessions: Sessions;
}

/** Soft delete: the account is gone for everybody, its e-mail is free again, its sessions and access tokens are dead. Idempotent. */
export const createDeleteAccount = ({
  accounts,
  sessions,
}: DeleteAccountOptions): ((userId: UserId, context: ActContext) => Promise<void>) =>
  async function deleteAccount(userId, context) {
    await accounts.deleteUser(userId, context);
    await sessions.endSessionsOfUser({ userId, cause: 'deleted', context });
  };
