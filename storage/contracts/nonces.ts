import type { EpochMs, RealmId } from '@sallyport/contract';

export interface Nonces {
  /**
   * Of N callers with one nonce, exactly one sees `true`, over restarts and nodes. A spent nonce is kept until `expiresAtMs`. `false` also
   * where the store cannot know any more whether it was spent: what carries it was made before the store lost its memory.
   */
  consumeNonce(input: {
    readonly realmId: RealmId;
    readonly purpose: string;
    readonly nonce: string;
    /**
     * The earliest moment, by the store's clock, at which what carries the nonce may have been made: where another clock told it, less
     * what that clock may be ahead.
     */
    readonly madeAtMs: EpochMs;
    readonly expiresAtMs: EpochMs;
  }): Promise<boolean>;
}
