import { defaultRealm } from '@sallyport/contract';
import { systemRandom } from '@sallyport/kit/random';
import { describe, expect, it } from 'vitest';
import { type NewCredential, noteUseEveryMs } from '../contracts/credentials.ts';
import { context, newId, times } from './make.ts';
import type { Conformance } from './store-under-test.ts';

const newCredential = (fields: Partial<NewCredential> = {}): NewCredential => ({
  id: `sp_${systemRandom.bytes(6).toString('hex')}`,
  realmId: defaultRealm,
  name: newId(),
  scopes: ['users:read', 'keys:write'],
  secretHash: systemRandom.bytes(32),
  ...fields,
});

export const credentialsConformance: Conformance = (store) => {
  const either = (index: number) => (index % 2 ? store().storage : store().second).credentials;
  const find = (id: NewCredential['id']) => either(1).findCredential(defaultRealm, id);
  const create = async (fields: Partial<NewCredential> = {}) => {
    const made = newCredential(fields);
    expect(await either(0).createCredential(made, context)).toBe(true);
    return made;
  };
  const acts = async (id: string) =>
    (await store().storage.effects.readEffects(100_000)).filter(({ data }) => data?.['credential'] === id);

  describe('credentials', () => {
    it('keep what was given, and tell the time of the store with it', async () => {
      const made = await create({ ttlMs: 60_000 });
      const { value, nowMs } = await find(made.id);
      expect(value).toMatchObject({ id: made.id, name: made.name, scopes: made.scopes });
      expect(Buffer.from(value?.secretHash ?? [])).toEqual(Buffer.from(made.secretHash));
      expect(Number(value?.expiresAtMs) - Number(value?.createdAtMs)).toBe(60_000);
      expect(nowMs).toBeGreaterThanOrEqual(Number(value?.createdAtMs));
      expect(value).not.toHaveProperty('lastUsedAtMs');
      expect(value).not.toHaveProperty('revokedAtMs');
      expect((await find((await create()).id)).value).not.toHaveProperty('expiresAtMs');
      expect((await find('sp_000000000000')).value).toBeUndefined();
      expect((await either(0).listCredentials(defaultRealm, 1000)).map(({ id }) => id)).toContain(made.id);
      expect(await either(0).listCredentials(defaultRealm, 1)).toHaveLength(1);
    });

    it('have a name of their own: of 10 callers one creates, and it is free once that one is revoked', async () => {
      const name = newId();
      const made = await times(10, (index) => either(index).createCredential(newCredential({ name }), context));
      expect(made.filter(Boolean)).toHaveLength(1);
      const [living] = (await either(0).listCredentials(defaultRealm, 1000)).filter((one) => one.name === name);
      const revoke = (index: number) =>
        either(index).revokeCredential({ realmId: defaultRealm, id: living?.id ?? 'sp_', context });
      expect((await times(10, revoke)).filter(Boolean)).toHaveLength(1);
      expect((await find(living?.id ?? 'sp_')).value?.revokedAtMs).toBeTypeOf('number');
      await create({ name });
    });

    it('leave an effect of their creation and their end, without the digest', async () => {
      const { id, name, secretHash } = await create();
      await either(1).revokeCredential({ realmId: defaultRealm, id, context });
      const found = await acts(id);
      expect(found.map(({ act, data }) => [act, data])).toEqual([
        ['credential.created', { credential: id, name, scopes: ['users:read', 'keys:write'] }],
        ['credential.revoked', { credential: id, name }],
      ]);
      for (const spelling of ['hex', 'base64', 'base64url'] as const)
        expect(JSON.stringify(found)).not.toContain(Buffer.from(secretHash).toString(spelling));
    });

    it('remember their last use, written at most once a minute', async () => {
      const { id } = await create();
      const note = () => either(0).noteCredentialUse(defaultRealm, id);
      const used = async () => (await find(id)).value?.lastUsedAtMs;
      await note();
      const first = await used();
      expect(first).toBeTypeOf('number');
      await times(4, note);
      expect(await used()).toBe(first);
      store().advance(noteUseEveryMs);
      await note();
      expect(Number(await used()) - Number(first)).toBeGreaterThanOrEqual(noteUseEveryMs);
    });
  });
};
