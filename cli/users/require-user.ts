import { CommandError } from '../exit-codes.ts';
import type { Account } from './account.ts';

/** @throws CommandError where there is no such account */
export const requireUser = (identifier: string, user: Account | undefined): Account => {
  if (user === undefined) throw new CommandError(`There is no account ${identifier}.`);
  return user;
};
