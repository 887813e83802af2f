import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@sallyport/kit/clock';
import type { EffectDraft } from '@sallyport/storage/contracts/effects';
import { StoreUnavailable } from '@sallyport/storage/contracts/store';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startLimitHits } from './limit-hits.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-limits-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const start = (written: EffectDraft[], isAway: () => boolean = () => false) =>
  startLimitHits({
    effects: {
      appendEffects: async (drafts) => {
        if (isAway()) throw new StoreUnavailable('away');
        written.push(...drafts);
      },
    },
    clock: systemClock(),
    path: join(folder, 'hits.json'),
    flushMs: 5,
    onError: () => undefined,
  });

const hit = (address: string) => ({ requestId: 'r', actor: 'user', address, userAgent: 'flood/1' }) as const;
const countOf = (drafts: readonly EffectDraft[]) => drafts.reduce((sum, { data }) => sum + Number(data?.['count']), 0);

it('a flood from everywhere is a bounded number of records that counts every hit', async () => {
  const written: EffectDraft[] = [];
  const hits = start(written);
  for (let index = 0; index < 50_000; index += 1) hits.note('login', hit(`2001:db8::${(index % 5000).toString(16)}`));
  await hits.stop();
  expect(countOf(written)).toBe(50_000);
  expect(written.length).toBeLessThanOrEqual(201);
  expect(written.every(({ act }) => act === 'limit.hit')).toBe(true);
});

it('what the store does not take waits on the disk, through a restart, and is told once', async () => {
  const written: EffectDraft[] = [];
  const before = start(written, () => true);
  for (let count = 0; count < 7; count += 1) before.note('login', hit('192.0.2.1'));
  await before.stop();
  expect(written).toEqual([]);
  expect(existsSync(join(folder, 'hits.json'))).toBe(true);
  const after = start(written);
  after.note('login', hit('192.0.2.1'));
  await after.stop();
  expect(written).toMatchObject([{ act: 'limit.hit', data: { limit: 'login', count: 8 } }]);
  expect(existsSync(join(folder, 'hits.json'))).toBe(false);
});
