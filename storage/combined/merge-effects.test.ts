import type { EpochMs } from '@sallyport/contract';
import { expect, it } from 'vitest';
import type { Act, Effect } from '../contracts/effects.ts';
import { mergeEffects } from './merge-effects.ts';

const effect = (act: Act, atMs: number) => ({ act, atMs }) as unknown as Effect;
const told = (effects: readonly Effect[]) => effects.map(({ act, atMs }) => `${atMs} ${act}`);

it('gives nothing that something older may still come before, and what begins before what ends', () => {
  const sql = [effect('session.ended', 5), effect('user.created', 5), effect('user.disabled', 9)];
  const redis = [effect('session.started', 5), effect('session.refreshed', 7)];
  const merged = (sqlCut: boolean, redisCut: boolean, limit = 10) =>
    told(
      mergeEffects(
        { effects: sql, ...(sqlCut && { restSinceMs: 9 as EpochMs }) },
        [{ effects: redis, cut: redisCut }],
        limit,
      ),
    );
  const all = merged(false, false);
  expect(all).toEqual([
    '5 user.created',
    '5 session.started',
    '5 session.ended',
    '7 session.refreshed',
    '9 user.disabled',
  ]);
  expect(merged(false, true)).toEqual(all.slice(0, 4));
  expect(merged(true, false)).toEqual(all);
  expect(merged(true, true, 2)).toEqual(all.slice(0, 2));
  const late = [effect('session.refreshed', 10)];
  const cut = { effects: sql, restSinceMs: 9 as EpochMs };
  expect(told(mergeEffects(cut, [{ effects: late, cut: false }], 10))).not.toContain('10 session.refreshed');
  expect(mergeEffects({ effects: [] }, [], 10)).toEqual([]);
});

it('gives nothing of a user behind what has to wait, and nothing of one who waits', () => {
  const of = (userId: string, act: Act, atMs: number) => ({ ...effect(act, atMs), userId }) as Effect;
  const sql = { effects: [of('a', 'user.created', 8), of('b', 'user.created', 2)] };
  // More may follow after 7, from whoever stands in that list: 8 waits, and so does what follows it.
  const redis = [
    { effects: [of('c', 'session.refreshed', 6), of('c', 'session.refreshed', 7)], cut: true },
    { effects: [of('a', 'session.started', 9), of('b', 'session.started', 9)], cut: false },
  ];
  const users = (waiting: readonly string[]) =>
    mergeEffects(sql, redis, 10, waiting as readonly Effect['userId'][]).map(({ userId, atMs }) => `${userId} ${atMs}`);
  expect(users([])).toEqual(['b 2', 'c 6', 'c 7', 'b 9']);
  expect(users(['b'])).toEqual(['c 6', 'c 7']);
});
