import { defaultRealm, type ProblemField, type UserId } from '@sallyport/contract';
import type { RouteShape } from '@sallyport/contract/routes';
import type { Clock } from '@sallyport/kit/clock';
import { holdsUnseen } from '@sallyport/kit/identifier';
import type { Random } from '@sallyport/kit/random';
import type { Accounts, NewUser, User } from '@sallyport/storage/contracts/accounts';
import type { ActContext } from '@sallyport/storage/contracts/store';
import type { LimitAddress, PasswordFactor, PasswordPolicy, PasswordProblem } from '../factors/factor.ts';
import { identifierOf, knownAbout, profileOf } from './new-user.ts';
import { emptyMembers } from './policy.ts';

export type RegisterOutcome =
  | { readonly kind: 'registered'; readonly user: User }
  | { readonly kind: 'taken' }
  | { readonly kind: 'missing'; readonly fields: readonly ProblemField[] }
  | { readonly kind: 'identifier_invalid' }
  | { readonly kind: 'identifier_unseen' }
  | { readonly kind: 'password_refused'; readonly problem: PasswordProblem };

export interface RegisterOptions {
  readonly accounts: Accounts;
  readonly password: PasswordFactor;
  readonly policy: PasswordPolicy;
  readonly random: Random;
  readonly clock: Clock;
  readonly shape: RouteShape;
  /** Absent: whoever may call is known, such as an operator. */
  readonly limit?: LimitAddress;
  /** Where tokens are to follow: throws while none could be signed, so that no account is made which its owner does not know of. */
  readonly readyToSign?: () => Promise<void>;
}

/** Creates an account. The role is always `user`: none is ever read from a request. */
export const createRegister = (
  options: RegisterOptions,
): ((body: Readonly<Record<string, unknown>>, context: ActContext) => Promise<RegisterOutcome>) => {
  const { accounts, password, policy, random, clock, shape } = options;
  return async function register(body, context) {
    const fields = emptyMembers(body, [shape.identifier, 'password', ...shape.requiredFields]);
    if (fields.length > 0) return { kind: 'missing', fields };
    const identifier = identifierOf(String(body[shape.identifier]), shape);
    if (identifier === undefined) return { kind: 'identifier_invalid' };
    if (identifier.username !== undefined && holdsUnseen(identifier.username)) return { kind: 'identifier_unseen' };
    const plain = String(body['password']);
    // Before the account is looked for: what is said about a password says nothing about who has an account.
    const problem = await policy.check(plain, knownAbout(body, shape));
    if (problem !== undefined) return { kind: 'password_refused', problem };
    // What has the wrong form costs nothing; what comes now costs a hash and tells whether there is an account.
    await options.limit?.(context.address);
    const user: NewUser = {
      id: random.uuidv7(clock.nowMs()) as UserId,
      realmId: defaultRealm,
      ...identifier,
      ...profileOf(body),
      passwordHash: await password.hash(plain),
      roles: ['user'],
      permissions: [],
    };
    await options.readyToSign?.();
    const outcome = await accounts.createUser(user, context);
    return outcome.kind === 'taken' ? outcome : { kind: 'registered', user: outcome.user };
  };
};
