import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EpochMs } from '@sallyport/contract';
import { systemClock } from '@sallyport/kit/clock';
import { systemRandom } from '@sallyport/kit/random';
import type { Audit, AuditCheckpoint } from '@sallyport/storage/contracts/audit';
import { isAnyMySqlMissing } from '@sallyport/storage/mysql/testing';
import { isAnyPostgresMissing } from '@sallyport/storage/postgres/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sealRecords } from './chain.ts';
import { createCut } from './cut.ts';
import { newRecords, sealAll, type TrailUnderTest, testKeys, testMacs, trails } from './testing/trails.ts';
import { type FindingKind, verifyTrail } from './verify.ts';

type Verify = typeof verifyTrail;

const verified = (audit: Audit, copies: readonly AuditCheckpoint[], verify: Verify = verifyTrail) =>
  verify({ audit, keys: testKeys, macs: testMacs, copies, nowMs: Date.now(), lookAgainMs: 1 });

interface Attack {
  readonly name: string;
  /** What is named, and where: the first bad record. */
  readonly kind: FindingKind;
  readonly place?: number;
  attack(trail: TrailUnderTest): Promise<void>;
}

const sqlAttack =
  (...statements: ((names: TrailUnderTest['names']) => string)[]) =>
  async ({ sql, names }: TrailUnderTest): Promise<void> => {
    for (const statement of statements) await sql(statement(names));
  };

/** Ten records, sealed and signed. */
const attacks: readonly Attack[] = [
  {
    name: 'an edit',
    kind: 'changed',
    place: 4,
    attack: sqlAttack(({ log }) => `UPDATE ${log} SET event_type = 'login' WHERE place = 4`),
  },
  {
    name: 'an edited address, which is only committed to',
    kind: 'changed',
    place: 5,
    attack: sqlAttack(({ log, address }) => `UPDATE ${log} SET ${address} = '198.51.100.9' WHERE place = 5`),
  },
  {
    name: 'an address taken away as if its person had been erased',
    kind: 'erased_without_record',
    place: 6,
    attack: sqlAttack(
      ({ log, address }) =>
        `UPDATE ${log} SET ${address} = NULL, user_agent = NULL, person_salt = NULL, details = '{"reason":"password"}' WHERE place = 6`,
    ),
  },
  {
    name: 'a deletion',
    kind: 'missing',
    place: 3,
    attack: sqlAttack(({ log }) => `DELETE FROM ${log} WHERE place = 3`),
  },
  {
    name: 'another order',
    kind: 'changed',
    place: 2,
    attack: sqlAttack(
      ({ log }) => `UPDATE ${log} SET place = 1000 WHERE place = 2`,
      ({ log }) => `UPDATE ${log} SET place = 2 WHERE place = 7`,
      ({ log }) => `UPDATE ${log} SET place = 7 WHERE place = 1000`,
    ),
  },
  {
    name: 'a tail cut off, with the head and the checkpoints of the store put back',
    kind: 'tail_missing',
    place: 9,
    attack: sqlAttack(
      ({ log, chain }) =>
        `UPDATE ${chain} SET place = 8, hash = (SELECT hash FROM ${log} WHERE place = 8) WHERE id = 1`,
      ({ log }) => `DELETE FROM ${log} WHERE place > 8`,
      ({ checkpoints }) => `DELETE FROM ${checkpoints} WHERE place > 8`,
    ),
  },
  {
    name: 'a chain written anew from a changed address on, hashes and all',
    kind: 'rewritten',
    place: 1,
    attack: async (trail) => {
      const { audit, sql, names } = trail;
      const records = (await audit.readSealed(0, 100)).map(({ seal: _, ...record }) => record);
      const open = { place: 0, hash: '0'.repeat(64) };
      // No MAC covers what an erasure may take.
      await sql(`UPDATE ${names.log} SET ${names.address} = '198.51.100.9' WHERE place = 1`);
      await sql(`UPDATE ${names.log} SET place = NULL`);
      await sql(`UPDATE ${names.chain} SET place = 0, hash = '${open.hash}' WHERE id = 1`);
      const [first, ...others] = records;
      if (first === undefined) throw new Error('nothing to write anew');
      const anew = sealRecords(open, [{ ...first, address: '198.51.100.9' }, ...others], systemRandom);
      expect(await audit.sealAudit(open, anew)).toBe(true);
    },
  },
  {
    name: 'a record of an act that never was, though it was sealed',
    kind: 'forged',
    place: 11,
    attack: async ({ audit }) => {
      const [model] = newRecords(1);
      if (model === undefined) throw new Error('no record');
      const { mac: _, ...bare } = model;
      await audit.appendAudit([bare]);
      await sealAll(audit);
    },
  },
];

const missing = { SQLite: () => false, PostgreSQL: isAnyPostgresMissing, MariaDB: isAnyMySqlMissing } as const;

for (const name of ['SQLite', 'PostgreSQL', 'MariaDB'] as const) {
  describe.skipIf(missing[name]())(`the audit trail in ${name}`, () => {
    let trail: TrailUnderTest;
    beforeAll(async () => {
      trail = await trails[name]();
    });
    afterAll(() => trail.close());
    /** An empty trail, and ten records in it. */
    const begin = async (): Promise<readonly AuditCheckpoint[]> => {
      await startAnew(trail);
      await trail.audit.appendAudit(newRecords(10));
      return sealAll(trail.audit);
    };

    it('holds as it was written, and an erasure is no edit', async () => {
      const copies = await begin();
      const report = await verified(trail.audit, copies);
      expect(report).toMatchObject({ passed: true, findings: [], records: 10, lastPlace: 10, unsigned: 0, cutAt: 0 });
      const [record] = await trail.audit.readSealed(4, 1);
      const { log, address } = trail.names;
      await trail.sql(
        `UPDATE ${log} SET ${address} = NULL, user_agent = NULL, person_salt = NULL, details = '{"reason": "password"}' WHERE place = 5`,
      );
      await trail.audit.appendAudit(newRecords(1, { eventType: 'account_erased', userId: record?.userId ?? '' }));
      expect(await verified(trail.audit, copies)).toMatchObject({ passed: true, unsealed: 1 });
    });

    for (const { name: attackName, kind, place, attack } of attacks) {
      it(`names ${attackName}`, async () => {
        const copies = await begin();
        await attack(trail);
        const { passed, findings } = await verified(trail.audit, copies);
        expect({ passed, first: findings[0] }).toMatchObject({
          passed: false,
          first: { kind, ...(place && { place }) },
        });
      });
    }

    it('names a record with the MAC of another, too', async () => {
      const copies = await begin();
      const [one, other] = [...newRecords(1), ...newRecords(1)];
      if (one === undefined || other?.mac === undefined) throw new Error('no records');
      await trail.audit.appendAudit([{ ...one, mac: other.mac }]);
      const { passed, findings } = await verified(trail.audit, [...copies, ...(await sealAll(trail.audit))]);
      expect({ passed, findings }).toMatchObject({
        passed: false,
        findings: [{ kind: 'forged', place: 11 }],
      });
    });

    it('names a record that was taken away before it was sealed', async () => {
      await startAnew(trail);
      const records = newRecords(6);
      await trail.audit.appendAudit([...records.slice(0, 2), ...records.slice(3)]);
      const { findings } = await verified(trail.audit, await sealAll(trail.audit));
      expect(findings).toMatchObject([{ kind: 'number_missing', text: expect.stringContaining('number 3 of node-1') }]);
    });

    it('names a forged checkpoint, and a trail that nobody has signed', async () => {
      const copies = await begin();
      const [copy] = copies;
      if (copy === undefined) throw new Error('nothing signed');
      const forged = { ...copy, place: 7 };
      expect((await verified(trail.audit, [forged])).findings).toMatchObject([{ kind: 'checkpoint_forged', place: 7 }]);
      await trail.sql(`DELETE FROM ${trail.names.checkpoints}`);
      expect((await verified(trail.audit, [])).findings).toMatchObject([{ kind: 'unsigned' }]);
    });

    it('holds behind a cut by age, and not without the signature of the cut', async () => {
      await startAnew(trail);
      const old = (Date.now() - 90_000_000) as EpochMs;
      await trail.audit.appendAudit(newRecords(4, { atMs: old }));
      await trail.audit.appendAudit(newRecords(3));
      const copies = await sealAll(trail.audit);
      const cut = createCut({ audit: trail.audit, keys: testKeys, clock: systemClock() });
      expect(await cut({ keepMs: 80_000_000, limit: 100 })).toBe(4);
      expect(await verified(trail.audit, copies)).toMatchObject({ passed: true, cutAt: 4, records: 3 });
      await trail.sql(`DELETE FROM ${trail.names.checkpoints} WHERE kind = 'cut'`);
      expect((await verified(trail.audit, copies)).findings[0]).toMatchObject({ kind: 'missing', place: 1 });
    });
  });
}

const startAnew = async ({ sql, names }: TrailUnderTest): Promise<void> => {
  await sql(`DELETE FROM ${names.log}`);
  await sql(`DELETE FROM ${names.checkpoints}`);
  await sql(`UPDATE ${names.chain} SET place = 0, hash = '${'0'.repeat(64)}', lease_until_ms = 0 WHERE id = 1`);
};

/** Each breaks one thing that an attack is found by; then that attack must go unnoticed, or be named wrongly. */
const twins: readonly {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  readonly blindFor: readonly string[];
}[] = [
  {
    file: 'chain.ts',
    find: "!== seal.hash) return 'changed';",
    replace: "=== '') return 'changed';",
    blindFor: ['an edit', 'another order'],
  },
  {
    file: 'chain.ts',
    find: "=== seal.personHash ? undefined : 'changed'",
    replace: '=== seal.personHash ? undefined : undefined',
    blindFor: ['an edited address, which is only committed to'],
  },
  { file: 'verify.ts', find: 'if (place > walk.place + 1) {', replace: 'if (place < 0) {', blindFor: ['a deletion'] },
  {
    file: 'verify.ts',
    find: 'if (known > walk.place) {',
    replace: 'if (known < 0) {',
    blindFor: ['a tail cut off, with the head and the checkpoints of the store put back'],
  },
  {
    file: 'verify.ts',
    find: 'expected !== undefined && !walk.isRewritten',
    replace: 'expected === place',
    blindFor: ['a chain written anew from a changed address on, hashes and all'],
  },
  {
    file: 'verify.ts',
    find: "if (verdict === 'forged' || (verdict === 'none' && walk.hasMacs)) {",
    replace: 'if (place < 0) {',
    blindFor: ['a record of an act that never was, though it was sealed'],
  },
];

describe('sabotaged twins do not see it:', () => {
  const output = join(import.meta.dirname, '../../test-output');
  const made: string[] = [];
  afterAll(() => {
    for (const folder of made) rmSync(folder, { recursive: true, force: true });
  });
  for (const { file, find, replace, blindFor } of twins) {
    it(`without \`${find}\`: ${blindFor.join(', ')}`, async () => {
      mkdirSync(output, { recursive: true });
      const folder = mkdtempSync(join(output, 'audit-'));
      made.push(folder);
      cpSync(import.meta.dirname, folder, { recursive: true, filter: (path) => !/\.test\.ts$|testing/.test(path) });
      const text = readFileSync(join(folder, file), 'utf8');
      expect(text.split(find)).toHaveLength(2);
      writeFileSync(
        join(folder, file),
        text.replace(find, () => replace),
      );
      const { verifyTrail: blind } = (await import(join(folder, 'verify.ts'))) as { readonly verifyTrail: Verify };
      const trail = await trails.SQLite();
      try {
        for (const name of blindFor) {
          const { attack, kind, place } = attacks.find((each) => each.name === name) ?? {};
          await startAnew(trail);
          await trail.audit.appendAudit(newRecords(10));
          const copies = await sealAll(trail.audit);
          await attack?.(trail);
          const [first] = (await verified(trail.audit, copies, blind)).findings;
          expect(first?.kind === kind && first?.place === place).toBe(false);
        }
      } finally {
        await trail.close();
      }
    });
  }
});
