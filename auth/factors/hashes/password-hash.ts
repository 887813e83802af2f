/**
 * The stored forms of passwords: one file per kind, `index.ts` is the list. Owns: reading such a form strictly, its bounds, and
 * comparing a password with it. Never: normalises a password, waits in a line, or logs anything.
 */

/** Why a stored form is not verified: no kind knows it, it is not well formed, or computing it would be an attack on the server. */
export type HashRefusal = 'unknown' | 'malformed' | 'too_costly';

/** One kind of stored form. */
export interface HashVerifier {
  readonly kind: string;
  /** By its beginning: at most one kind recognises a form. */
  recognises(stored: string): boolean;
  /** Undefined: well formed and within the bounds on memory and time. */
  refusal(stored: string): Exclude<HashRefusal, 'unknown'> | undefined;
  /** False for a password that this kind cannot tell from a shorter one. */
  takes(password: string): boolean;
  /** `stored` has no refusal, and `password` is taken. */
  verify(stored: string, password: string): Promise<boolean>;
}

/** A kind that new passwords are hashed with. */
export interface PasswordHash extends HashVerifier {
  /** Longest password in UTF-8 bytes. */
  readonly maxBytes: number;
  hash(password: string): Promise<string>;
  /** Whether the stored form was made with the present settings. */
  isCurrent(stored: string): boolean;
}

/** Above, a password is an attack on the pool. The routes' schema refuses far shorter ones. */
export const longestPasswordBytes = 4096;
/** Shorter, and a chance match is no longer out of the question. */
export const shortestKeyBytes = 16;
export const longestKeyBytes = 64;
export const longestSaltBytes = 128;
