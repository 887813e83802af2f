import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { watchBound } from './revocation-bound.ts';

const rig = (ageSeconds: number) => {
  const state = { ageSeconds, told: [] as string[] };
  const tell = (level: string) => (_fields: object, text: string) => void state.told.push(`${level} ${text}`);
  const feed = {
    stats: () => ({ entries: 0, connects: 1, failures: 0, ageSeconds: state.ageSeconds, lastFailure: undefined }),
  };
  const log = { info: tell('info'), warn: tell('warn') } as never;
  const bound = watchBound({ feed, boundSeconds: 1, log, everyMs: 1 });
  onTestFinished(bound.close);
  const at = async (age: number) => {
    state.ageSeconds = age;
    await sleep(20);
    return bound.stats();
  };
  return { state, at };
};

it('tells once when the bound is passed and once when it is kept again, and counts', async () => {
  const { state, at } = rig(0.5);
  expect(await at(1)).toEqual({ isBroken: false, breaks: 0 });
  expect(await at(1.1)).toEqual({ isBroken: true, breaks: 1 });
  expect(await at(60)).toEqual({ isBroken: true, breaks: 1 });
  expect(await at(0.2)).toEqual({ isBroken: false, breaks: 1 });
  expect(await at(2)).toEqual({ isBroken: true, breaks: 2 });
  expect(state.told).toEqual([
    'warn revocations are not heard within the bound',
    'info revocations are heard again within the bound',
    'warn revocations are not heard within the bound',
  ]);
});

it('takes a feed that has not begun for none: nobody is let in on its word', async () => {
  const { state, at } = rig(Number.POSITIVE_INFINITY);
  expect(await at(Number.POSITIVE_INFINITY)).toEqual({ isBroken: false, breaks: 0 });
  expect(state.told).toEqual([]);
});
