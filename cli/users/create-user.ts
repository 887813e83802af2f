import type { ImportOutcome, Maintenance, RegisterOutcome } from '@sallyport/auth/maintenance';
import { CommandError } from '../exit-codes.ts';
import type { Account } from './account.ts';
import { hashReasons } from './hash-reasons.ts';
import { readPassword } from './read-password.ts';

export interface NewUserOptions {
  readonly name?: string;
  readonly role?: readonly string[];
  readonly permission?: readonly string[];
  /** What is read is not a password but the hash of one, made by another system. */
  readonly passwordHash?: boolean;
}

/** @throws CommandError where the account exists, or the identifier, the password or the hash is refused */
export const createUser = async (
  store: Pick<Maintenance, 'createUser' | 'importUser'>,
  identifier: string,
  { name, role = [], permission = [], passwordHash = false }: NewUserOptions,
): Promise<Account> => {
  const secret = await readPassword(process.stdin);
  const account = {
    identifier,
    ...(name !== undefined && { name }),
    roles: role.length === 0 && permission.length > 0 ? ['user'] : role,
    permissions: permission,
  };
  const outcome = passwordHash
    ? await store.importUser({ ...account, passwordHash: secret })
    : await store.createUser({ ...account, password: secret });
  return userOf(outcome, identifier);
};

const userOf = (outcome: RegisterOutcome | ImportOutcome, identifier: string): Account => {
  switch (outcome.kind) {
    case 'registered':
    case 'imported':
      return outcome.user;
    case 'taken':
      throw new CommandError(`The account ${identifier} exists; nothing was changed.`);
    case 'identifier_invalid':
      throw new CommandError(`${identifier} is no e-mail or user name that could log in.`);
    case 'identifier_unseen':
      throw new CommandError('The user name holds a character that cannot be seen (username_unseen).');
    case 'missing':
      throw new CommandError(`Missing: ${outcome.fields.map(({ path }) => path.slice(1)).join(', ')}.`);
    case 'password_refused':
      throw new CommandError(refusalText(outcome.problem));
    case 'hash_refused':
      throw new CommandError(`The password hash is refused (password_hash_refused): ${hashReasons[outcome.reason]}.`);
  }
};

const refusalText = ({ code, feedback }: Extract<RegisterOutcome, { kind: 'password_refused' }>['problem']): string =>
  [`The password is refused (${code}): ${feedback.warning}`, ...feedback.suggestions].join(' ');
