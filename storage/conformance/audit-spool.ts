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
          next[who] = (next[who] ?? 0) + fresh;
        }
      });
      expect((next[0] ?? 0) + (next[1] ?? 0)).toBe(32);
      const given = await origins(records.map(({ effectId }) => effectId));
      for (const [who, boot] of boots.entries()) {
        const numbers = given.flatMap((origin) => (origin?.boot === boot.boot ? origin.number : []));
        expect(numbers).toEqual(Array.from({ length: (next[who] ?? 0) - 1 }, (_, index) => index + 1));
      }
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
      expect(await own(1).auditSpool.collectAudit(records, newBoot())).toBe(0);
      const open = (await store().second.auditSpool.readUnsealed(1_000_000)).map(({ effectId }) => effectId);
      expect(open).toContain(third);
      expect(open).not.toContain(first);
      expect(await auditSpool.removeDelivered({ keepMs: 3_600_000, limit: 100 })).toBe(0);
      expect(await auditSpool.removeDelivered({ keepMs: -1000, limit: 1 })).toBe(1);
      expect(await auditSpool.removeDelivered({ keepMs: -1000, limit: 100 })).toBe(1);
    });
  });
};
