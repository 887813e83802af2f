import { expect, it } from 'vitest';
import type { Act, Effect } from '../contracts/effects.ts';
import { mergeEffects } from './merge-effects.ts';

const effect = (act: Act, atMs: number) => ({ act, atMs }) as unknown as Effect;
const told = (effects: readonly Effect[]) => effects.map(({ act, atMs }) => `${atMs} ${act}`);

it('gives nothing that something older may still come before, and what begins before what ends', () => {
  const sql = [effect('session.ended', 5), effect('user.created', 5), effect('user.disabled', 9)];
  const redis = [effect('session.started', 5), effect('session.refreshed', 7)];
  const merged = (sqlCut: boolean, redisCut: boolean, limit = 10) =>
    told(mergeEffects({ effects: sql, cut: sqlCut }, [{ effects: redis, cut: redisCut }], limit));
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
  expect(told(mergeEffects({ effects: sql, cut: true }, [{ effects: late, cut: false }], 10))).not.toContain(
    '10 session.refreshed',
  );
  expect(mergeEffects({ effects: [], cut: false }, [], 10)).toEqual([]);
});
