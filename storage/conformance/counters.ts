import { defaultRealm } from '@sallyport/contract';
import { describe, expect, it } from 'vitest';
import type { AttemptLock, AttemptOutcome } from '../contracts/counters.ts';
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

    it('let failed attempts and those under way together never pass a limit, over two connections', async () => {
      const { subject, reserve, settle } = attempts(store);
      const granted: string[] = [];
      for (let round = 0; round < 4; round += 1) {
        const made = await times(50, (index) => reserve(`${round}-${index}`, index));
        const admitted = made.flatMap(({ kind }, index) => (kind === 'granted' ? [`${round}-${index}`] : []));
        granted.push(...admitted);
        expect(made.every(({ kind }) => kind === 'granted' || kind === (round === 0 ? 'wait' : 'limited'))).toBe(true);
        await Promise.all(admitted.map((attemptId) => settle(attemptId, 'failed')));
      }
      expect(granted, subject).toHaveLength(10);
    });

    it('let any number of right attempts pass, one after another', async () => {
      const { reserve, settle } = attempts(store);
      for (let count = 0; count < 25; count += 1) {
        expect((await reserve(`${count}`)).kind).toBe('granted');
        await settle(`${count}`, 'succeeded');
        await settle(`${count}`, 'failed');
      }
    });

    it('count a place that was never settled as failed when its lease ends', async () => {
      const { reserve } = attempts(store);
      await times(10, (index) => reserve(`dead-${index}`));
      expect((await reserve('next')).kind).toBe('wait');
      store().advance(30_000);
      expect((await reserve('next')).kind).toBe('limited');
      store().advance(60_000);
      expect((await reserve('next')).kind).toBe('granted');
    });

    it('lock after failures in a row, twice as long after as many again, until a success', async () => {
      const lock = { after: 3, firstMs: 1000, longestMs: 1500 };
      const { reserve, settle } = attempts(store, lock);
      const fail = async (attemptId: string) => {
        expect((await reserve(attemptId)).kind).toBe('granted');
        await settle(attemptId, 'failed');
      };
      for (const attemptId of ['1', '2', '3']) await fail(attemptId);
      expect((await reserve('4')).kind).toBe('locked');
      store().advance(1000);
      for (const attemptId of ['5', '6', '7']) await fail(attemptId);
      store().advance(1000);
      expect((await reserve('8')).kind).toBe('locked');
      store().advance(500);
      expect((await reserve('9')).kind).toBe('granted');
      await settle('9', 'succeeded');
      await fail('10');
      expect((await reserve('11')).kind).toBe('granted');
    });

    it('take places at a locked subject as at any other, and count in its window without lengthening the lock', async () => {
      const lock = { after: 3, firstMs: 1000, longestMs: 60_000 };
      const { reserve, settle } = attempts(store, lock);
      for (const attemptId of ['1', '2', '3']) {
        await reserve(attemptId);
        await settle(attemptId, 'failed');
      }
      const kinds = [];
      for (let index = 0; index < 20; index += 1) kinds.push((await reserve(`locked-${index}`, index)).kind);
      expect(kinds).toEqual([
        ...Array.from({ length: 7 }, () => 'locked'),
        ...Array.from({ length: 13 }, () => 'wait'),
      ]);
      for (let index = 0; index < 7; index += 1) await settle(`locked-${index}`, 'locked');
      expect((await reserve('beyond')).kind).toBe('limited');
      store().advance(60_000);
      expect((await reserve('after')).kind).toBe('granted');
    });

    it('forget a row of failures after a quiet day', async () => {
      const lock = { after: 2, firstMs: 1000, longestMs: 1000 };
      const { reserve, settle } = attempts(store, lock);
      const fail = async (attemptId: string) => {
        expect((await reserve(attemptId)).kind).toBe('granted');
        await settle(attemptId, 'failed');
      };
      await fail('1');
      store().advance(86_400_000);
      await fail('2');
      expect((await reserve('3')).kind).toBe('granted');
    });

    it('take all gates or none', async () => {
      const realmId = defaultRealm;
      const open = { purpose: 'open', subject: newId(), limit: 1, windowMs: 60_000 };
      const shut = { purpose: 'shut', subject: newId(), limit: 1, windowMs: 60_000 };
      const counters = store().storage.counters;
      await counters.reserveAttempt({ realmId, attemptId: 'a', gates: [shut], leaseMs: 30_000 });
      expect(
        (await counters.reserveAttempt({ realmId, attemptId: 'b', gates: [open, shut], leaseMs: 30_000 })).kind,
      ).toBe('wait');
      expect((await counters.reserveAttempt({ realmId, attemptId: 'c', gates: [open], leaseMs: 30_000 })).kind).toBe(
        'granted',
      );
    });
  });
};

const attempts = (store: Parameters<Conformance>[0], lock?: AttemptLock) => {
  const subject = newId();
  const gates = [{ purpose: 'login', subject, limit: 10, windowMs: 60_000, ...(lock && { lock }) }];
  const counters = (index: number) => (index % 2 ? store().storage : store().second).counters;
  return {
    subject,
    reserve: (attemptId: string, index = 0) =>
      counters(index).reserveAttempt({ realmId: defaultRealm, attemptId, gates, leaseMs: 30_000 }),
    settle: (attemptId: string, outcome: AttemptOutcome) =>
      counters(0).settleAttempt({ realmId: defaultRealm, attemptId, gates, outcome }),
  };
};
