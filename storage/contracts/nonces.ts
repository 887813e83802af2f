import type { EpochMs, RealmId } from '@sallyport/contract';

export interface Nonces {
  /** Of N callers with one nonce, exactly one sees `true`, over restarts and nodes. A spent nonce is kept until `expiresAtMs`. */
  consumeNonce(input: {
    readonly realmId: RealmId;
    readonly purpose: string;
    readonly nonce: string;
    readonly expiresAtMs: EpochMs;
  }): Promise<boolean>;
}
