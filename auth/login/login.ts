import { defaultRealm } from '@sallyport/contract';
import type { RouteShape } from '@sallyport/contract/routes';
import { emailKey, usernameKey } from '@sallyport/kit/identifier';
import type { Accounts, LoginIdentifier, User, UserWithPassword } from '@sallyport/storage/contracts/accounts';
import type { Effects } from '@sallyport/storage/contracts/effects';
import type { Origin } from '@sallyport/storage/contracts/sessions';
import type { ActContext } from '@sallyport/storage/contracts/store';
import type { GuessGuard, PasswordFactor } from '../factors/factor.ts';
import type { NewLogin, StartedSession } from '../tokens/start-session.ts';

/** `disabled` only after a right password; every other failure is one and the same `refused`. */
export type LoginOutcome =
  | ({ readonly kind: 'tokens'; readonly user: User } & StartedSession)
  | { readonly kind: 'refused' }
  | { readonly kind: 'disabled' };

export interface LoginOptions {
  readonly accounts: Accounts;
  readonly effects: Effects;
  readonly password: PasswordFactor;
  readonly guard: GuessGuard;
  readonly startSession: (login: NewLogin) => Promise<StartedSession>;
  readonly shape: RouteShape;
}

export interface LoginRequest {
  readonly identifier: string;
  readonly password: string;
  readonly origin: Origin;
  readonly context: ActContext;
}

/**
 * Starts a session for the right password. Unknown user, wrong password, account without password, locked and disabled account take
 * the same path, cost the same, count the same and answer the same.
 */
export const createLogin = (options: LoginOptions): ((request: LoginRequest) => Promise<LoginOutcome>) => {
  const { accounts, password, guard, startSession, shape } = options;
  return async function login({ identifier, password: plain, origin, context }) {
    const user = await findUser(accounts, shape, identifier);
    const judge = async () => {
      const value = await password.verify(user, plain);
      // A right password of a disabled account counts like a wrong one: the limit would tell it otherwise.
      return { right: value !== 'wrong' && user?.disabledAtMs === undefined, value };
    };
    const guess = await guard({ identifier, address: origin.address, judge });
    if (guess.kind === 'locked') return refuse('refused', 'locked', user, context, options);
    if (user === undefined || guess.value === 'wrong') return refuse('refused', 'password', user, context, options);
    if (user.disabledAtMs !== undefined) return refuse('disabled', 'disabled', user, context, options);
    if (guess.value === 'outdated' && user.passwordHash !== undefined) {
      const newHash = await password.hash(plain);
      await accounts.replacePasswordHash({ userId: user.id, expectedHash: user.passwordHash, newHash });
    }
    const started = await startSession({ user, amr: [password.amr], origin, context });
    return { kind: 'tokens', user, ...started };
  };
};

/** An identifier of the wrong form is looked up all the same, so that it costs what an unknown one costs. */
const findUser = (accounts: Accounts, shape: RouteShape, identifier: string): Promise<UserWithPassword | undefined> => {
  const key = shape.identifier === 'email' ? emailKey(identifier) : usernameKey(identifier);
  const login: LoginIdentifier = { kind: shape.identifier, key: key ?? '' };
  return accounts.findUserForLogin(defaultRealm, login);
};

const refuse = async (
  kind: 'refused' | 'disabled',
  reason: string,
  user: User | undefined,
  context: ActContext,
  { effects }: LoginOptions,
): Promise<LoginOutcome> => {
  const known = user && { userId: user.id };
  await effects.appendEffects([{ act: 'login.failed', realmId: defaultRealm, ...known, data: { reason }, context }]);
  return { kind };
};
