import { defaultRealm, type UserId } from '@sallyport/contract';
import type { RouteShape } from '@sallyport/contract/routes';
import type { Clock } from '@sallyport/kit/clock';
import type { Random } from '@sallyport/kit/random';
import type { Accounts, User } from '@sallyport/storage/contracts/accounts';
import type { Effects } from '@sallyport/storage/contracts/effects';
import type { ActContext } from '@sallyport/storage/contracts/store';
import type { PasswordFactor } from '../factors/factor.ts';
import { identifierOf, profileOf } from './new-user.ts';

export type ImportOutcome =
  | { readonly kind: 'imported'; readonly user: User }
  | { readonly kind: 'taken' }
  | { readonly kind: 'identifier_invalid' }
  | { readonly kind: 'hash_refused'; readonly reason: NonNullable<ReturnType<PasswordFactor['refusalOf']>> };

export interface ImportedAccount {
  /** Identifier and profile, as a registration has them. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly givenHash: string;
  /** Default `user`. */
  readonly roles?: readonly string[];
  /** Default none. */
  readonly permissions?: readonly string[];
}

export interface ImportAccountOptions {
  readonly accounts: Accounts;
  readonly effects: Pick<Effects, 'appendEffects'>;
  readonly password: PasswordFactor;
  readonly random: Random;
  readonly clock: Clock;
  readonly shape: RouteShape;
}

/**
 * Creates an account with a password hash from another system instead of a password. The hash is kept as it came and replaced at
 * the first login; what could not be verified then is refused now. No policy: nobody knows the password.
 */
export const createImportAccount = (
  options: ImportAccountOptions,
): ((account: ImportedAccount, context: ActContext) => Promise<ImportOutcome>) => {
  const { accounts, effects, password, random, clock, shape } = options;
  return async function importAccount({ body, givenHash, roles = ['user'], permissions = [] }, context) {
    const identifier = identifierOf(String(body[shape.identifier]), shape);
    if (identifier === undefined) return { kind: 'identifier_invalid' };
    const passwordHash = withoutDjangoLabel(givenHash);
    const reason = password.refusalOf(passwordHash);
    if (reason !== undefined) return { kind: 'hash_refused', reason };
    const id = random.uuidv7(clock.nowMs()) as UserId;
    const profile = { ...identifier, ...profileOf(body) };
    const outcome = await accounts.createUser(
      { id, realmId: defaultRealm, ...profile, passwordHash, roles, permissions },
      context,
    );
    if (outcome.kind === 'taken') return outcome;
    // Its creation has been told of; this tells that its hash came from elsewhere.
    await effects.appendEffects([{ act: 'user.imported', realmId: defaultRealm, userId: id, context }]);
    return { kind: 'imported', user: outcome.user };
  };
};

/** Django writes a label before the common forms of bcrypt and Argon2: `bcrypt$$2b$…`, `argon2$argon2id$…`. */
const withoutDjangoLabel = (stored: string): string => stored.replace(/^bcrypt\$(?=\$2)|^argon2(?=\$argon2)/, '');
