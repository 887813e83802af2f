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

    it('that are removed leave the ring, with the entry that refuses what they have signed, wherever they were kept', async () => {
      const [first] = await store().storage.keys.listKeys(defaultRealm, 'EdDSA');
      const before = await store().storage.revocations.lastRevocationPosition();
      const remove = (kid: string) => store().storage.keys.removeKey({ realmId: defaultRealm, kid, context });
      expect([await remove(first?.kid ?? ''), await remove('of-a-file')]).toEqual([true, false]);
      expect(await store().second.keys.listKeys(defaultRealm, 'EdDSA')).toEqual([]);
      const entries = await store().second.revocations.readRevocations(before, 10);
      expect(entries.map(({ subject, cause }) => [subject, cause])).toEqual([
        [{ kind: 'key', kid: first?.kid }, 'key_removed'],
        [{ kind: 'key', kid: 'of-a-file' }, 'key_removed'],
      ]);
      // Tokens that a thief signs expire when he likes.
      for (const { atMs, expiresAtMs } of entries) expect(expiresAtMs - atMs).toBeGreaterThan(86_400_000 * 300);
    });
  });
};
