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
  /** `next`: published, and not yet signed with. `retired`: signs no more, and verifies what it has signed. */
  readonly state: 'next' | 'current' | 'retired';
  readonly createdAtMs: EpochMs;
  /** Since when it signs; of a next key: from when it may. */
  readonly signsFromMs: EpochMs;
  /** Of a retired key alone. */
  readonly verifiesUntilMs?: EpochMs;
}

export type NewKey = Pick<StoredKey, 'kid' | 'realmId' | 'algorithm' | 'publicJwk' | 'sealedPrivateKey'>;

/** Which ring, and who acts. */
export interface RingStep {
  readonly realmId: RealmId;
  readonly algorithm: SignatureAlgorithm;
  readonly context: ActContext;
}

/** All times are the store's own. Each verb that changes a ring resolves to the ring as it is afterwards. */
export interface Keys {
  /** All keys of the ring for one algorithm, current first, then newest first. */
  listKeys(realmId: RealmId, algorithm: SignatureAlgorithm): Promise<readonly StoredKey[]>;
  /** Inserts the candidate as current where the algorithm has no current key. Of N callers at a first boot one inserts; all then read the same ring. */
  ensureCurrentKey(candidate: NewKey, context: ActContext): Promise<readonly StoredKey[]>;
  /**
   * Inserts the candidate as next, to sign `publishForMs` from now on at the earliest, where the ring has a current key and no next one.
   * Of N callers one inserts; all then read the same ring.
   */
  ensureNextKey(
    candidate: NewKey,
    options: { readonly publishForMs: number; readonly context: ActContext },
  ): Promise<readonly StoredKey[]>;
  /**
   * Does what is due: takes out retired keys whose time is over; makes the next key current where it may sign, or where nothing else can,
   * and retires the one before, which goes on verifying for `verifyForMs`. Of N callers one changes the ring, and the others find nothing
   * due any more.
   */
  advanceRing(step: RingStep & { readonly verifyForMs: number }): Promise<readonly StoredKey[]>;
  /** Takes out a next or a retired key before its time. What a retired one has signed is refused once verifiers have fetched the ring again. */
  withdrawKey(input: {
    readonly realmId: RealmId;
    readonly kid: string;
    readonly context: ActContext;
  }): Promise<'withdrawn' | 'current' | 'unknown'>;
  /**
   * Takes a key out of the ring and, in the same step, writes the entry that makes verifiers refuse whatever it has signed; the entry is
   * written for keys that were never in the ring too. Resolves to whether it was in it.
   */
  removeKey(input: { readonly realmId: RealmId; readonly kid: string; readonly context: ActContext }): Promise<boolean>;
}
