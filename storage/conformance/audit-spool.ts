import { systemRandom } from '@sallyport/kit/random';
import { describe, expect, it } from 'vitest';
import type { AuditOrigin } from '../contracts/audit.ts';
import { newAuditRecord } from './audit.ts';
import { times } from './make.ts';
import type { Conformance } from './store-under-test.ts';

const newBoot = (): AuditOrigin => ({ node: 'node-1', boot: systemRandom.bytes(8).toString('hex'), number: 1 });

const without = () => {
  const { origin: _, ...record } = newAuditRecord();
  return record;
};

export const auditSpoolConformance: Conformance = (store) => {
  const own = (index: number) => (index % 2 ? store().storage : store().second);
  const origins = async (ids: readonly string[]) => {
    const open = await store().second.auditSpool.readUnsealed(1_000_000);
    return ids.map((id) => open.find(({ effectId }) => effectId === id)?.origin);
  };

  describe('the spool of audit', () => {
    it('numbers what is new, in order and without a gap, whoever else collects the same', async () => {
      const records = Array.from({ length: 30 }, without);
      const boots = [newBoot(), newBoot()];
      const next = [1, 1];
      await times(2, async (who) => {
        for (let from = 0; from < 30; from += 5) {
          const origin = { ...(boots[who] ?? newBoot()), number: next[who] ?? 0 };
          const fresh = await own(who).auditSpool.collectAudit(records.slice(from, from + 5), origin);
          next[who] = (next[who] ?? 0) + fresh.fresh;
        }
      });
      expect((next[0] ?? 0) + (next[1] ?? 0)).toBe(32);
      const given = await origins(records.map(({ effectId }) => effectId));
      for (const [who, boot] of boots.entries()) {
        const numbers = given.flatMap((origin) => (origin?.boot === boot.boot ? origin.number : []));
        expect(numbers).toEqual(Array.from({ length: (next[who] ?? 0) - 1 }, (_, index) => index + 1));
      }
    });

    it('seals what it collects where all of it is new and the head is the expected one, or nothing of it', async () => {
      const { auditSpool } = store().storage;
      const boot = newBoot();
      const sealsOf = (place: number, count: number) =>
        Array.from({ length: count }, (_, index) => ({
          place: place + index + 1,
          hash: systemRandom.bytes(32).toString('hex'),
          personHash: systemRandom.bytes(32).toString('hex'),
          personSalt: systemRandom.bytes(16).toString('hex'),
        }));
      const expected = await store().second.audit.readChainHead();
      const records = [without(), without(), without()];
      const chain = { expected, seals: sealsOf(expected.place, 3) };
      const tries = await times(4, (who) =>
        own(who).auditSpool.collectAudit(who === 0 ? records : [without(), without(), without()], boot, chain),
      );
      expect(tries.filter(({ sealed }) => sealed)).toEqual([{ fresh: 3, sealed: true }]);
      const sealed = await store().second.audit.readSealed(expected.place, 10);
      expect(sealed.map(({ seal }) => seal)).toEqual(chain.seals);
      expect(sealed.map(({ origin }) => origin?.number)).toEqual([1, 2, 3]);
      const { place, hash } = await store().second.audit.readChainHead();
      expect({ place, hash }).toEqual({ place: expected.place + 3, hash: chain.seals[2]?.hash });
      const known = { expected: { place, hash }, seals: sealsOf(place, 2) };
      const half = await auditSpool.collectAudit([without(), sealed[0] ?? without()], { ...newBoot() }, known);
      expect(half).toEqual({ fresh: 1, sealed: false });
      expect(await store().second.audit.readChainHead()).toEqual({ place, hash });
    });

    it('does not show what was delivered, and remembers it until it is told to forget', async () => {
      const records = [without(), without(), without()];
      const [first, second, third] = records.map(({ effectId }) => effectId);
      const { auditSpool } = store().storage;
      await auditSpool.collectAudit(records, newBoot());
      const waiting = (await store().second.auditSpool.countWaiting(1_000_000)).waiting;
      await auditSpool.markDelivered([first ?? '', second ?? '']);
      const counted = await store().second.auditSpool.countWaiting(1_000_000);
      expect(counted).toEqual({ waiting: waiting - 2, oldestAtMs: expect.any(Number) });
      expect(await store().second.auditSpool.countWaiting(1)).toMatchObject({ waiting: 1 });
      // Another node has read them before they were removed, and comes late.
      expect(await own(1).auditSpool.collectAudit(records, newBoot())).toEqual({ fresh: 0, sealed: false });
      const open = (await store().second.auditSpool.readUnsealed(1_000_000)).map(({ effectId }) => effectId);
      expect(open).toContain(third);
      expect(open).not.toContain(first);
      expect(await auditSpool.removeDelivered({ keepMs: 3_600_000, limit: 100 })).toBe(0);
      expect(await auditSpool.removeDelivered({ keepMs: -1000, limit: 1 })).toBe(1);
      expect(await auditSpool.removeDelivered({ keepMs: -1000, limit: 100 })).toBe(1);
    });
  });
};
