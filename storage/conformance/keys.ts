import { defaultRealm, type EpochMs } from '@sallyport/contract';
import { describe, expect, it } from 'vitest';
import { context, newId, times } from './make.ts';
import type { Conformance } from './store-under-test.ts';

export const keysConformance: Conformance = (store) => {
  describe('keys', () => {
    it('make one current key out of 10 candidates at a first boot, and all callers read the same ring', async () => {
      const candidate = () => ({
        kid: newId(),
        realmId: defaultRealm,
        algorithm: 'EdDSA' as const,
        publicJwk: '{}',
        sealedPrivateKey: 'sealed',
        state: 'current' as const,
        createdAtMs: Date.now() as EpochMs,
      });
      const rings = await times(10, (index) =>
        (index % 2 ? store().storage : store().second).keys.ensureCurrentKey(candidate(), context),
      );
      expect(new Set(rings.map(([current]) => current?.kid)).size).toBe(1);
      expect(await store().second.keys.listKeys(defaultRealm, 'EdDSA')).toHaveLength(1);
      expect(await store().storage.keys.listKeys(defaultRealm, 'ES256')).toEqual([]);
    });
  });
};
