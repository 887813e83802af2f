import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { createProofMemoryOf, openProofTable } from './proof-table.ts';

const nowMs = 1_800_000_000_000;
const newTable = (places?: number) =>
  openProofTable({ memory: createProofMemoryOf(places), hashKey: { low: 1, high: 2 }, bornMs: nowMs - 1000 });
const proof = (id: string, endsAtMs = nowMs + 60_000, madeAtMs = nowMs) => ({ id, madeAtMs, endsAtMs });
const newId = (): string => randomBytes(32).toString('base64url');

it('knows a proof until it is too old, and none from before its own time', () => {
  const { use } = newTable();
  expect([use(proof('a'), nowMs), use(proof('a'), nowMs), use(proof('a'), nowMs + 59_999)]).toEqual([
    'first',
    'replayed',
    'replayed',
  ]);
  expect(use(proof('b', nowMs + 60_000, nowMs - 1001), nowMs)).toBe('replayed');
});

it('refuses what it has no place for, forgets nothing for it, and finds place again when proofs are too old', () => {
  const { use } = newTable(16);
  const ids = Array.from({ length: 16 }, newId);
  expect(ids.map((id) => use(proof(id), nowMs))).toEqual(ids.map(() => 'first'));
  expect(use(proof('one more'), nowMs)).toBe('full');
  expect(ids.map((id) => use(proof(id), nowMs))).toEqual(ids.map(() => 'replayed'));
  expect(use(proof('one more', nowMs + 120_000), nowMs + 60_000)).toBe('first');
});

it('holds a minute of five hundred a second, and takes hardly one for another', () => {
  const { use } = newTable();
  const uses = Array.from({ length: 30_000 }, () => use(proof(newId()), nowMs));
  expect(uses.filter((each) => each !== 'first').length).toBeLessThan(20);
});
