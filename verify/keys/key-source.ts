import type { KeyObject } from 'node:crypto';
import type { SignatureAlgorithm } from '@sallyport/contract';

/**
 * Key sources say which keys an issuer signs with *now*. They import, check and hold verification keys.
 * They never see a token, never take a key or an address from one, and never hold a private key.
 */

/** A key with everything it may be used for. Made once; the object stands for the key as long as a source holds it. */
export interface VerificationKey {
  readonly kid: string;
  /** RFC 8725 §3.1: "each key MUST be used with exactly one algorithm" family; RSA keys without `alg` serve RS256 and PS256. */
  readonly algorithms: readonly SignatureAlgorithm[];
  readonly key: KeyObject;
  /** RFC 7638 thumbprint of a public key; the key id of a shared secret. Tells whether two key objects are one key. */
  readonly thumbprint: string;
}

/** One immutable state of a source. `generation` grows whenever the keys change. */
export interface KeySet {
  readonly generation: number;
  readonly keys: readonly VerificationKey[];
}

export interface KeySource {
  /** The keys held at this instant. The same object is returned while nothing changes. */
  current(nowMs: number): KeySet;
  /**
   * Asks for keys that `current` does not have. A promise when a fetch was started or is under way (it never rejects),
   * undefined when there is nothing to wait for (fixed keys, or the cooldown runs).
   */
  refetch?(nowMs: number): Promise<void> | undefined;
}

/** A source whose keys come over the network. */
export interface RemoteKeySource extends KeySource {
  refetch(nowMs: number): Promise<void> | undefined;
  /** Fetches at start, with the retries of the settings. Rejects when no usable key set was read. */
  load(): Promise<void>;
  /**
   * The keys have just changed, as somebody trusted says: the next use of a token fetches them, and for ten seconds an unknown `kid` does so
   * once a second, whatever the cooldown is.
   */
  hurry(): void;
  stats(): { readonly fetches: number; readonly failures: number; readonly lastFailure: string | undefined };
}
