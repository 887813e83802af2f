import { defaultRealm, type EpochMs } from '@sallyport/contract';
import { describe, expect, it } from 'vitest';
import { newId, times } from './make.ts';
import type { Conformance } from './store-under-test.ts';

export const noncesConformance: Conformance = (store) => {
  describe('nonces', () => {
    it('are consumed by exactly one of 40 callers over two connections, and again only after they expired', async () => {
      const nonce = newId();
      const consume = (index: number) =>
        (index % 2 ? store().storage : store().second).nonces.consumeNonce({
          realmId: defaultRealm,
          purpose: 'test',
          nonce,
          madeAtMs: Date.now() as EpochMs,
          expiresAtMs: (Date.now() + 3_600_000) as EpochMs,
        });
      expect((await times(40, consume)).filter(Boolean)).toHaveLength(1);
      expect(await consume(0)).toBe(false);
      const other = {
        realmId: defaultRealm,
        purpose: 'other',
        nonce,
        madeAtMs: Date.now() as EpochMs,
        expiresAtMs: (Date.now() + 3_600_000) as EpochMs,
      };
      expect(await store().storage.nonces.consumeNonce(other)).toBe(true);
    });
  });
};
