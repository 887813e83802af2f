import { defaultRealm } from '@sallyport/contract';
import { describe, expect, it } from 'vitest';
import { newId, times } from './make.ts';
import type { Conformance } from './store-under-test.ts';

export const countersConformance: Conformance = (store) => {
  const subjectOf = () => ({ realmId: defaultRealm, purpose: 'login', subject: newId() });
  describe('counters', () => {
    it('allow exactly the limit to 200 parallel callers over two connections', async () => {
      const subject = subjectOf();
      const counts = await times(200, (index) =>
        (index % 2 ? store().storage : store().second).counters.countAttempt({
          ...subject,
          limit: 10,
          windowMs: 60_000,
        }),
      );
      expect(counts.filter(({ allowed }) => allowed)).toHaveLength(10);
    });

    it('slide: what was counted a window ago is forgotten, refused attempts never counted', async () => {
      const subject = { ...subjectOf(), limit: 2, windowMs: 1000 };
      const count = () => store().storage.counters.countAttempt(subject);
      expect((await count()).remaining).toBe(1);
      store().advance(600);
      expect((await count()).remaining).toBe(0);
      const refused = await count();
      expect(refused).toMatchObject({ allowed: false, remaining: 0 });
      store().advance(400);
      expect((await count()).allowed).toBe(true);
      expect((await count()).allowed).toBe(false);
    });

    it('forget a subject on request', async () => {
      const subject = subjectOf();
      const count = () => store().storage.counters.countAttempt({ ...subject, limit: 1, windowMs: 60_000 });
      await count();
      expect((await count()).allowed).toBe(false);
      await store().storage.counters.clearAttempts(subject);
      expect((await count()).allowed).toBe(true);
    });
  });
};
