import { defaultRealm, type SignatureAlgorithm } from '@sallyport/contract';
import { describe, expect, it } from 'vitest';
import type { Keys, NewKey } from '../contracts/keys.ts';
import { context, newId, times } from './make.ts';
import type { Conformance } from './store-under-test.ts';

const candidate = (algorithm: SignatureAlgorithm): NewKey => ({
  kid: newId(),
  realmId: defaultRealm,
  algorithm,
  publicJwk: '{}',
  sealedPrivateKey: 'sealed',
});

const dayMs = 86_400_000;

export const keysConformance: Conformance = (store) => {
  /** Of two handles on one store, in turn. */
  const either = (index: number): Keys => (index % 2 ? store().storage : store().second).keys;

  describe('keys', () => {
    it('make one current key out of 10 candidates at a first boot, and all callers read the same ring', async () => {
      const rings = await times(10, (index) => either(index).ensureCurrentKey(candidate('EdDSA'), context));
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
      for (const { atMs, expiresAtMs } of entries) expect(expiresAtMs - atMs).toBeGreaterThan(dayMs * 300);
    });
  });

  describe('a ring', () => {
    const ring = { realmId: defaultRealm, algorithm: 'PS256', context } as const;
    const advance = (index: number, verifyForMs: number) => either(index).advanceRing({ ...ring, verifyForMs });
    const ensureNext = (index: number, publishForMs: number) =>
      either(index).ensureNextKey(candidate('PS256'), { publishForMs, context });
    const states = async () => (await either(0).listKeys(defaultRealm, 'PS256')).map(({ state }) => state);

    it('has no next key before it has a current one, and then one out of 10 candidates', async () => {
      expect(await ensureNext(0, 0)).toEqual([]);
      await either(0).ensureCurrentKey(candidate('PS256'), context);
      const rings = await times(10, (index) => ensureNext(index, dayMs));
      expect(new Set(rings.map((keys) => keys.map(({ kid }) => kid).join())).size).toBe(1);
      expect(await states()).toEqual(['current', 'next']);
      const [, next] = await either(1).listKeys(defaultRealm, 'PS256');
      expect(Number(next?.signsFromMs) - Number(next?.createdAtMs)).toBe(dayMs);
    });

    it('is not changed before its next key has been published for its time', async () => {
      const before = await either(0).listKeys(defaultRealm, 'PS256');
      for (const keys of await times(4, (index) => advance(index, dayMs))) expect(keys).toEqual(before);
    });

    it('withdraws a next key, and never the current one', async () => {
      const [current, next] = await either(0).listKeys(defaultRealm, 'PS256');
      const withdraw = (kid = '') => either(1).withdrawKey({ realmId: defaultRealm, kid, context });
      expect([await withdraw(current?.kid), await withdraw(next?.kid), await withdraw(next?.kid)]).toEqual([
        ...['current', 'withdrawn', 'unknown'],
      ]);
      expect(await states()).toEqual(['current']);
    });

    it('is turned once by 10 callers, and the key before goes on verifying for its time', async () => {
      const [old] = await either(0).listKeys(defaultRealm, 'PS256');
      const [, next] = await ensureNext(0, 0);
      const rings = await times(10, (index) => advance(index, dayMs));
      for (const keys of rings) expect(keys.map(({ kid }) => kid)).toEqual([next?.kid, old?.kid]);
      expect(await states()).toEqual(['current', 'retired']);
      const [current, retired] = await either(1).listKeys(defaultRealm, 'PS256');
      expect(Number(retired?.verifiesUntilMs) - Number(current?.signsFromMs)).toBe(dayMs);
      expect(current?.verifiesUntilMs).toBeUndefined();
      const acts = (await store().storage.effects.readEffects(1000)).filter(({ act }) => act === 'key.rotated');
      expect(acts.map(({ data }) => data)).toEqual([
        { kid: current?.kid, algorithm: 'PS256', previousKid: retired?.kid },
      ]);
    });

    it('loses a retired key when its time is over', async () => {
      await ensureNext(0, 0);
      await advance(0, 0);
      expect(await states()).toEqual(['current', 'retired', 'retired']);
      await times(4, (index) => advance(index, 0));
      expect(await states()).toEqual(['current', 'retired']);
    });

    it('signs with its next key at once where the current one was removed', async () => {
      const [, next] = await ensureNext(0, dayMs);
      const [current] = await either(0).listKeys(defaultRealm, 'PS256');
      await either(0).removeKey({ realmId: defaultRealm, kid: current?.kid ?? '', context });
      const [now] = await advance(1, dayMs);
      expect([now?.state, now?.kid]).toEqual(['current', next?.kid]);
    });
  });
};
