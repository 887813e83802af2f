import type { EpochMs, RealmId, SignatureAlgorithm } from '@sallyport/contract';
import type { ActContext } from './store.ts';

/** A signing key of the ring. The private half is sealed (kit/seal) under the root key; it never leaves the store in clear. */
export interface StoredKey {
  readonly kid: string;
  readonly realmId: RealmId;
  readonly algorithm: SignatureAlgorithm;
  /** Public JWK as JSON. */
  readonly publicJwk: string;
  /** PKCS#8, sealed. */
  readonly sealedPrivateKey: string;
  readonly state: 'next' | 'current' | 'retired';
  readonly createdAtMs: EpochMs;
}

export interface Keys {
  /** All keys of the ring for one algorithm, current first, then newest first. */
  listKeys(realmId: RealmId, algorithm: SignatureAlgorithm): Promise<readonly StoredKey[]>;
  /** Inserts the candidate as current where the algorithm has no current key. Of N callers at a first boot one inserts; all then read the same ring. */
  ensureCurrentKey(candidate: StoredKey, context: ActContext): Promise<readonly StoredKey[]>;
  /**
   * Takes a key out of the ring and, in the same step, writes the entry that makes verifiers refuse whatever it has signed; the entry is
   * written for keys that were never in the ring too. Resolves to whether it was in it.
   */
  removeKey(input: { readonly realmId: RealmId; readonly kid: string; readonly context: ActContext }): Promise<boolean>;
}
