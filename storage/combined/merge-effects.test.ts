import { expect, it } from 'vitest';
import type { Act, Effect } from '../contracts/effects.ts';
import { mergeEffects } from './merge-effects.ts';

const effect = (act: Act, atMs: number) => ({ act, atMs }) as unknown as Effect;
const told = (effects: readonly Effect[]) => effects.map(({ act, atMs }) => `${atMs} ${act}`);

it('gives nothing that something older may still come before, and what begins before what ends', () => {
  const sql = [effect('session.ended', 5), effect('user.created', 5), effect('user.disabled', 9)];
  const redis = [effect('session.started', 5), effect('session.refreshed', 7)];
  const all = told(
    mergeEffects(
      [
        { effects: sql, cut: false },
        { effects: redis, cut: false },
      ],
      10,
    ),
  );
  expect(all).toEqual([
    '5 user.created',
    '5 session.started',
    '5 session.ended',
    '7 session.refreshed',
    '9 user.disabled',
  ]);
  expect(
    told(
      mergeEffects(
        [
          { effects: sql, cut: false },
          { effects: redis, cut: true },
        ],
        10,
      ),
    ),
  ).toEqual(all.slice(0, 4));
  expect(
    told(
      mergeEffects(
        [
          { effects: sql, cut: true },
          { effects: redis, cut: false },
        ],
        2,
      ),
    ),
  ).toEqual(all.slice(0, 2));
  expect(mergeEffects([{ effects: [], cut: false }], 10)).toEqual([]);
});
