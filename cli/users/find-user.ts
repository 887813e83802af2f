import type { Maintenance } from '@sallyport/auth/maintenance';
import type { Account } from './account.ts';
import { requireUser } from './require-user.ts';

/** The live account of an id, an e-mail or a user name. @throws CommandError where there is none */
export const findUser = async (store: Pick<Maintenance, 'findUsers'>, idOrIdentifier: string): Promise<Account> =>
  requireUser(idOrIdentifier, (await store.findUsers(idOrIdentifier)).live);
