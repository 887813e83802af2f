/**
 * What a login factor is. A room that logs somebody in knows this file and no factor by name; `index.ts` holds the list.
 */
import type { UserWithPassword } from '@sallyport/storage/contracts/accounts';

/** RFC 8176 authentication method reference. */
export type MethodReference = 'pwd' | 'otp' | 'hwk' | 'swk';

export interface PasswordFactor {
  readonly amr: MethodReference;
  /** What the password must be for a new account or a change; undefined: fine. NFKC is applied before anything is counted. */
  check(password: string): PasswordProblem | undefined;
  /** Hashes with the present settings. Waits for a place in the pool. */
  hash(password: string): Promise<string>;
  /** Spends the same work whether the account exists, has a password, or not. */
  verify(user: Pick<UserWithPassword, 'passwordHash'> | undefined, password: string): Promise<PasswordVerdict>;
}

export type PasswordProblem =
  | { readonly code: 'password_too_short'; readonly params: { readonly minimum: number } }
  | { readonly code: 'password_too_long'; readonly params: { readonly limitBytes: number } };

/** `outdated`: right, but hashed with other settings than the present ones. */
export type PasswordVerdict = 'wrong' | 'right' | 'outdated';

/** What happened to one guess at a secret. */
export type Guess<T> =
  | { readonly kind: 'judged'; readonly value: T }
  /** The account is locked for a time: the verdict was thrown away, at the cost of any other, and the caller must not be able to tell. */
  | { readonly kind: 'locked' };

/**
 * Stands before every check of a password: at most so many wrong guesses per account and per address, exactly, on all nodes
 * together. Throws Problem `rate_limited` (429) beyond, `busy` (503) where too many guesses are under way for too long.
 */
export type GuessGuard = <T>(input: {
  /** The identifier as given; unknown accounts are counted like known ones. */
  readonly identifier: string;
  readonly address: string | undefined;
  readonly judge: () => Promise<{ readonly right: boolean; readonly value: T }>;
}) => Promise<Guess<T>>;
