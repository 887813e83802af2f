/**
 * What a login factor is. A room that logs somebody in knows this file and no factor by name; `index.ts` holds the list.
 */
import { type DeviceId, type ErrorCode, Problem } from '@sallyport/contract';
import { usernameKey } from '@sallyport/kit/identifier';
import type { UserWithPassword } from '@sallyport/storage/contracts/accounts';
import type { Device } from '@sallyport/storage/contracts/devices';
import type { HashRefusal } from './hashes/password-hash.ts';

/** RFC 8176 authentication method reference. */
export type MethodReference = 'pwd' | 'otp' | 'hwk' | 'swk';

export interface PasswordFactor {
  readonly amr: MethodReference;
  /** Longest password, in UTF-8 bytes after NFKC, that can be hashed with the present settings. */
  readonly maxBytes: number;
  /** Hashes with the present settings. Waits for a place in the pool. The password has passed the policy. */
  hash(password: string): Promise<string>;
  /** Why a stored form that comes from elsewhere could not be verified here; undefined: it can. */
  refusalOf(stored: string): HashRefusal | undefined;
  /** Spends the same work whether the account exists, has a password, or not. */
  verify(user: Pick<UserWithPassword, 'passwordHash'> | undefined, password: string): Promise<PasswordVerdict>;
}

/** What a password must be for a new account or a change. */
export interface PasswordPolicy {
  /**
   * Undefined: fine. `about` is what is known of the person: names, e-mail, user name. Never asks whether an account exists.
   * Throws Problem `busy` or `password_check_unavailable` (503) where a rule cannot give its verdict; that is never a pass.
   */
  check(password: string, about: readonly (string | undefined)[]): Promise<PasswordProblem | undefined>;
}

/** Why a password is refused, for people and for programs. The codes are listed in docs/guides/passwords.md. */
export interface PasswordFeedback {
  readonly warning: string;
  readonly suggestions: readonly string[];
  readonly codes: { readonly warning: string; readonly suggestions: readonly string[] };
}

export interface PasswordProblem {
  readonly code: Extract<
    ErrorCode,
    | 'password_invalid'
    | 'password_too_short'
    | 'password_too_long'
    | 'password_personal'
    | 'password_common'
    | 'password_weak'
    | 'password_breached'
  >;
  readonly params?: Readonly<Record<string, number>>;
  readonly feedback: PasswordFeedback;
}

/** A refused password as the answer of a route. `path` is the JSON pointer of the member that held it. */
export const refusedPassword = ({ code, params, feedback }: PasswordProblem, path: string): Problem => {
  const told = params && { params };
  const { warning, suggestions, codes } = feedback;
  const copied = { warning, suggestions, codes: { warning: codes.warning, suggestions: codes.suggestions } };
  return new Problem(code, { ...told, fields: [{ path, code, ...told }], extensions: { feedback: copied } });
};

/** `outdated`: right, but to be hashed anew: it was made by another kind or with other settings, or somewhere else. */
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

/** Counts one. @throws Problem `rate_limited` beyond the address's limit */
export type LimitAddress = (address: string | undefined) => Promise<void>;

/**
 * A guess at a user name is counted under what the account is found by. As an e-mail address, `ann@example.com` and the same with another full
 * stop would be one, and whoever makes the second account could lock out the first. No address holds a colon.
 */
export const usernameGuess = (username: string): string => `username:${usernameKey(username) ?? username}`;

/** As the client has sent it. */
export interface DeviceProof {
  readonly username: string;
  readonly deviceId: string;
  /** Milliseconds, decimal digits. */
  readonly timestamp: string;
  readonly nonce: string;
  /** Lower-case hex, as `signature`. */
  readonly sessionId: string;
  readonly signature: string;
  /** Whether the caller holds the second key of this thumbprint; a proof is spent by the question. Undefined: none came with the login. */
  readonly proveKey?: (thumbprint: string) => Promise<boolean>;
}

export type DeviceVerdict =
  /** `boundKeyThumbprint`: of its second key, which was shown as well. */
  | { readonly kind: 'proved'; readonly device: Device; readonly boundKeyThumbprint?: string }
  /** The reason is for the audit; a caller is told one and the same of all. */
  | { readonly kind: 'refused'; readonly reason: 'device_time' | 'device_mac' | 'device_replayed' | 'device_proof' };

export interface DeviceFactor {
  readonly amr: MethodReference;
  verify(proof: DeviceProof): Promise<DeviceVerdict>;
  /** Whether it may still log in: asked again once its session stands, so that a revocation meanwhile finds either of the two. */
  lives(deviceId: DeviceId): Promise<boolean>;
}
