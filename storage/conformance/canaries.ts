import { expect, it } from 'vitest';
import { newId, times } from './make.ts';
import type { Conformance } from './store-under-test.ts';

export const canariesConformance: Conformance = (store) => {
  it('one canary of a key stands, whoever comes at once over two connections', async () => {
    const keyId = newId();
    const kept = await times(20, (index) =>
      (index % 2 ? store().storage : store().second).canaries.keepCanary(keyId, `sealed ${index}`),
    );
    expect(new Set(kept).size).toBe(1);
    expect(kept[0]).toMatch(/^sealed \d+$/);
    expect(await store().second.canaries.keepCanary(keyId, 'late')).toBe(kept[0]);
    expect(await store().storage.canaries.listCanaryKeys()).toContain(keyId);
  });
};
