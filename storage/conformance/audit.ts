import { defaultRealm, type EpochMs } from '@sallyport/contract';
import { systemRandom } from '@sallyport/kit/random';
import { describe, expect, it } from 'vitest';
import {
  type Audit,
  type AuditCheckpoint,
  type AuditRecord,
  type ChainHead,
  erasureEventType,
  type SealedRecord,
} from '../contracts/audit.ts';
import { newId, times } from './make.ts';

export interface AuditUnderTest {
  readonly audit: Audit;
  /** A second, independent opening of the same store. */
  readonly second: Audit;
}

const hex = (bytes: number): string => systemRandom.bytes(bytes).toString('hex');

export const newAuditRecord = (fields: Partial<AuditRecord> = {}): AuditRecord => ({
  effectId: newId(),
  realmId: defaultRealm,
  eventType: 'login',
  actor: 'user',
  userId: newId(),
  sessionId: newId(),
  deviceId: newId(),
  address: '192.0.2.7',
  userAgent: 'suite/1 ü',
  requestId: newId(),
  details: '{"reason":"password"}',
  atMs: Date.now() as EpochMs,
  origin: { node: 'node-1', boot: hex(8), number: 1 },
  mac: '1.AAAAAAAAAAAAAAAAAAAAAA',
  ...fields,
});

/** Any hashes will do here: what they are made of is not the store's business. */
const sealedBehind = (head: ChainHead, records: readonly AuditRecord[]): readonly SealedRecord[] =>
  records.map((record, index) => ({
    ...record,
    seal: { place: head.place + index + 1, hash: hex(32), personHash: hex(32), personSalt: hex(16) },
  }));

const checkpointAt = ({ place, hash }: ChainHead, kind: AuditCheckpoint['kind']): AuditCheckpoint => ({
  kind,
  place,
  hash,
  atMs: Date.now() as EpochMs,
  keyId: '1',
  signature: 'c2lnbmVk',
});

/** What every store of audit must show. It is alone on its store: it seals whatever is there. */
export const auditConformance = (store: () => AuditUnderTest): void => {
  const own = (index: number) => (index % 2 ? store().audit : store().second);
  const sealAll = async (): Promise<void> => {
    for (;;) {
      const open = await store().audit.readUnsealed(100);
      if (open.length === 0) return;
      const head = await store().audit.readChainHead();
      await store().audit.sealAudit(head, sealedBehind(head, open));
    }
  };

  describe('the audit trail', () => {
    it('has a record once per effect id, with all that it was given', async () => {
      const record = newAuditRecord();
      await times(6, (index) => own(index).appendAudit([record, record]));
      const { realmId, userId = '' } = record;
      expect(await store().second.listAudit({ realmId, userId, limit: 10 })).toEqual([record]);
    });

    it('keeps what is absent absent', async () => {
      const { userId: _user, sessionId: _session, deviceId: _device, address: _address, ...some } = newAuditRecord();
      const { userAgent: _agent, origin: _origin, mac: _mac, ...record } = some;
      await store().audit.appendAudit([record]);
      const found = await store().second.listAudit({ realmId: record.realmId, limit: 1000 });
      expect(found.find(({ effectId }) => effectId === record.effectId)).toEqual(record);
    });

    it('is listed newest first, by user, type, time and address, page by page', async () => {
      const userId = newId();
      const at = Date.now() - 1000;
      const records = Array.from({ length: 5 }, (_, index) =>
        newAuditRecord({
          effectId: systemRandom.uuidv7(at + index),
          userId,
          eventType: index === 2 ? 'refresh' : 'login',
          address: index === 3 ? '198.51.100.1' : '192.0.2.7',
          atMs: (at + index) as EpochMs,
        }),
      );
      await store().audit.appendAudit(records);
      const [, second, third, fourth, last] = records;
      const filter = { realmId: defaultRealm, userId, limit: 10 };
      const list = (more: object) => store().second.listAudit({ ...filter, ...more });
      expect(await list({})).toEqual(records.toReversed());
      expect(await list({ eventType: 'refresh' })).toEqual([third]);
      expect(await list({ address: '198.51.100.1' })).toEqual([fourth]);
      expect(await list({ sinceMs: at + 1, untilMs: at + 3 })).toEqual([third, second]);
      expect(await list({ limit: 1 })).toEqual([last]);
      expect(await list({ limit: 1, before: last?.effectId })).toEqual([fourth]);
    });

    it('gives each place to one of many sealers', async () => {
      await sealAll();
      const records = times(20, async () => newAuditRecord());
      await store().audit.appendAudit(await records);
      const head = await store().audit.readChainHead();
      const open = await store().audit.readUnsealed(100);
      expect(open.map(({ effectId }) => effectId)).toEqual(open.map(({ effectId }) => effectId).toSorted());
      expect(open).toHaveLength(20);
      const tries = await times(6, (index) => own(index).sealAudit(head, sealedBehind(head, open)));
      expect(tries.filter(Boolean)).toHaveLength(1);
      const sealed = await store().second.readSealed(head.place, 100);
      expect(sealed.map(({ seal }) => seal.place)).toEqual(open.map((_, index) => head.place + index + 1));
      expect(sealed.map(({ seal: _, ...record }) => record)).toEqual(open);
      expect(await store().second.readChainHead()).toEqual({
        place: head.place + 20,
        hash: sealed.at(-1)?.seal.hash,
      });
      expect(await store().second.readUnsealed(100)).toEqual([]);
    });

    it('does not seal a record that is not what the sealer has read', async () => {
      await sealAll();
      await store().audit.appendAudit([newAuditRecord(), newAuditRecord()]);
      const head = await store().audit.readChainHead();
      const [first, second] = await store().audit.readUnsealed(2);
      if (first === undefined || second === undefined) throw new Error('nothing to seal');
      const changed = sealedBehind(head, [first, { ...second, address: '203.0.113.9' }]);
      expect(await store().audit.sealAudit(head, changed)).toBe(false);
      expect(await store().audit.readChainHead()).toEqual(head);
      expect(await store().audit.readUnsealed(10)).toEqual([first, second]);
    });

    it('leases sealing to one holder, until his time is over', async () => {
      const [one, other] = [newId<string>(), newId<string>()];
      // Whoever had it before lets it go.
      await expect
        .poll(() => store().audit.leaseSealing({ holder: one, ttlMs: 60_000 }), { timeout: 10_000 })
        .toBe(true);
      expect(await store().second.leaseSealing({ holder: other, ttlMs: 60_000 })).toBe(false);
      expect(await store().second.leaseSealing({ holder: one, ttlMs: 1 })).toBe(true);
      await expect.poll(() => store().second.leaseSealing({ holder: other, ttlMs: 1 }), { timeout: 10_000 }).toBe(true);
    });

    it('goes by age, up to a place that a checkpoint tells of', async () => {
      await sealAll();
      const before = await store().audit.findCut({ keepMs: -1000, limit: 100_000 });
      if (before !== undefined) await store().audit.cutAudit(checkpointAt(before, 'cut'));
      const old = (Date.now() - 10_000_000) as EpochMs;
      const [a, b, young] = [newAuditRecord({ atMs: old }), newAuditRecord({ atMs: old }), newAuditRecord()];
      await store().audit.appendAudit([a, b, young]);
      await sealAll();
      const sealed = await store().audit.readSealed(0, 10);
      expect(sealed.map(({ effectId }) => effectId)).toEqual([a.effectId, b.effectId, young.effectId]);
      const [first, second] = sealed.map(({ seal: { place, hash } }) => ({ place, hash }));
      if (first === undefined || second === undefined) throw new Error('nothing sealed');
      await store().audit.appendCheckpoint(checkpointAt(first, 'head'));
      expect(await store().audit.findCut({ keepMs: 20_000_000, limit: 100 })).toBeUndefined();
      expect(await store().audit.findCut({ keepMs: 1_000_000, limit: 1 })).toEqual(first);
      expect(await store().second.findCut({ keepMs: 1_000_000, limit: 100 })).toEqual(second);
      const cut = checkpointAt(second, 'cut');
      expect(await store().audit.cutAudit(cut)).toBe(2);
      expect((await store().second.readSealed(0, 10)).map(({ effectId }) => effectId)).toEqual([young.effectId]);
      const list = (kind: AuditCheckpoint['kind']) =>
        store().second.listCheckpoints({ kind, afterPlace: 0, limit: 10 });
      expect(await list('cut')).toEqual([cut]);
      expect(await list('head')).toEqual([]);
    });

    it('keeps checkpoints in the order of their places, each once', async () => {
      const head = await store().audit.readChainHead();
      const made = [5, 2, 9].map((more) => checkpointAt({ place: head.place + more, hash: hex(32) }, 'head'));
      for (const checkpoint of made) await times(2, (index) => own(index).appendCheckpoint(checkpoint));
      const found = await store().second.listCheckpoints({ kind: 'head', afterPlace: head.place, limit: 10 });
      expect(found).toEqual(made.toSorted((a, b) => a.place - b.place));
    });
  });
};

/** What a store has to show besides, where the accounts are in another one. */
export const auditElsewhereConformance = (store: () => AuditUnderTest): void => {
  it('has nothing personal of whoever has been erased, from before the erasure arrives and from after', async () => {
    const { audit, second } = store();
    const userId = newId<string>();
    const details = '{"email":"a@example.org","name":"Ada","reason":"x"}';
    await audit.appendAudit([newAuditRecord({ userId, details })]);
    await audit.appendAudit([newAuditRecord({ userId, eventType: erasureEventType })]);
    await second.appendAudit([newAuditRecord({ userId, details })]);
    const found = await second.listAudit({ realmId: defaultRealm, userId, limit: 10 });
    expect(found).toHaveLength(3);
    for (const record of found) {
      expect(record.address ?? record.userAgent).toBeUndefined();
      expect(record.details).not.toMatch(/example|Ada/);
      expect(record.details).toContain('reason');
    }
  });
};
