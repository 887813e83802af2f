import type { Maintenance, RegisterOutcome } from '@sallyport/auth/maintenance';
import { CommandError } from '../exit-codes.ts';
import type { Account } from './account.ts';
import { readPassword } from './read-password.ts';

export interface NewUserOptions {
  readonly name?: string;
  readonly role?: readonly string[];
  readonly permission?: readonly string[];
}

/** @throws CommandError where the account exists, or the identifier or the password is refused */
export const createUser = async (
  store: Pick<Maintenance, 'createUser'>,
  identifier: string,
  { name, role = [], permission = [] }: NewUserOptions,
): Promise<Account> => {
  const password = await readPassword(process.stdin);
  const outcome = await store.createUser({
    identifier,
    password,
    ...(name !== undefined && { name }),
    roles: role.length === 0 && permission.length > 0 ? ['user'] : role,
    permissions: permission,
  });
  return userOf(outcome, identifier);
};

const userOf = (outcome: RegisterOutcome, identifier: string): Account => {
  switch (outcome.kind) {
    case 'registered':
      return outcome.user;
    case 'taken':
      throw new CommandError(`The account ${identifier} exists; nothing was changed.`);
    case 'identifier_invalid':
      throw new CommandError(`${identifier} is no e-mail or user name that could log in.`);
    case 'missing':
      throw new CommandError(`Missing: ${outcome.fields.map(({ path }) => path.slice(1)).join(', ')}.`);
    case 'password_refused':
      throw new CommandError(`The password is refused: ${outcome.problem.code}.`);
  }
};
