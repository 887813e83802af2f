/**
 * What still needs which root key: values that are sealed in columns, and sessions whose tokens are derived with one. So a root key can be
 * replaced, and an operator learns when the one before may go. Origins of sessions are not sealed anew: a session gets a new one with its
 * first token under another root key, and ends with it otherwise.
 */
import type { EpochMs, SessionId } from '@sallyport/contract';
import type { SealPlace } from '@sallyport/kit/seal';

export const sealedColumns = [
  'signing_keys.private_key_sealed',
  'users.phone_sealed',
  'devices.device_key_sealed',
  'devices.origin_sealed',
] as const;
export type SealedColumn = (typeof sealedColumns)[number];

export interface SealedValue {
  /** Of its row, as text. */
  readonly id: string;
  readonly sealed: string;
  readonly place: SealPlace;
}

/** `last`: where the next call goes on; undefined: the end was reached. */
export interface SealedPage {
  readonly values: readonly SealedValue[];
  readonly last: string | undefined;
}

export interface SealedChange {
  readonly id: string;
  /** What stands there; anything else is left as it is. */
  readonly from: string;
  readonly to: string;
}

/** Live sessions that cannot go on, or whose origin cannot be read, without the root key. */
export interface SessionsOfRoot {
  readonly kid: string;
  readonly sessions: number;
  /** The end of the longest of them. */
  readonly untilMs: EpochMs;
}

/** `last`: where the next call goes on; undefined: the end was reached. */
export interface SessionsOfRootPage {
  readonly sessionIds: readonly SessionId[];
  readonly last: string | undefined;
}

export interface RootKeys {
  /** Looks at `limit` rows after `after`, in the order of their key, and returns those that have a value. */
  readSealed(input: {
    readonly column: SealedColumn;
    readonly after?: string;
    readonly limit: number;
  }): Promise<SealedPage>;
  /**
   * Replaces each value that is still what it was, and returns how many: of N writers of one value the first counts, and what anybody has
   * written or erased meanwhile stays. A row that somebody is at work on may be left as it is.
   */
  replaceSealed(input: { readonly column: SealedColumn; readonly changes: readonly SealedChange[] }): Promise<number>;
  /**
   * Looks at `limit` rows after `after` (of sessions, or of users where sessions stand elsewhere), in the order of their key, and returns
   * the live sessions whose current token is derived with the root key. What rotates meanwhile may have another one.
   */
  readSessionsOfRoot(input: {
    readonly keyId: number;
    readonly after?: string;
    readonly limit: number;
  }): Promise<SessionsOfRootPage>;
  /** By root key; reads every live session. */
  countSessionsByRoot(): Promise<readonly SessionsOfRoot[]>;
}
