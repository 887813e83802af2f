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
