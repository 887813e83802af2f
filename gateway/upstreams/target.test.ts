import { describe, expect, it } from 'vitest';
import { serviceAddress } from '../http1/open-socket.ts';
import { chooseAmong } from './choose-target.ts';
import { Target } from './target.ts';

const rig = (count: number) => {
  let nowMs = 0;
  const changes: string[] = [];
  const targets = Array.from({ length: count }, (_, at) => {
    const origin = `http://127.0.0.1:${at + 1}`;
    return new Target({
      origin,
      address: serviceAddress(origin),
      pool: { dispatch: () => undefined, endHeld: () => false, close: () => undefined },
      elapsedMs: () => nowMs,
      onChange: (_target, reason) => {
        changes.push(`${at} ${reason}`);
        choice.update();
      },
    });
  });
  const choice = chooseAmong(targets, () => nowMs);
  const chosen = (): number | undefined => {
    const target = choice.choose();
    return target && targets.indexOf(target);
  };
  const fail = (at: number, times = 5): void => {
    for (let n = 0; n < times; n += 1) targets[at]?.failed(targets[at].answers);
  };
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { targets, choice, changes, chosen, fail, pass };
};

const counts = (chosen: () => number | undefined, times: number): number[] => {
  const seen: number[] = [];
  for (let n = 0; n < times; n += 1) {
    const at = chosen();
    if (at !== undefined) seen[at] = (seen[at] ?? 0) + 1;
  }
  return seen;
};

describe('choosing among targets', () => {
  it.each([2, 3, 5])('spreads over all %i that are as busy as each other', (count) => {
    const { chosen } = rig(count);
    const seen = counts(chosen, count * 100);
    expect(seen).toHaveLength(count);
    for (const times of seen) expect(times).toBe(100);
  });

  it('spares the one that has more under way', () => {
    const { targets, chosen } = rig(3);
    for (const target of targets.slice(0, 1)) target.pending = 10;
    expect(counts(chosen, 300)[0]).toBeUndefined();
  });

  it('takes up what is sent until all have the same under way', () => {
    const { targets, choice } = rig(4);
    for (let n = 0; n < 400; n += 1) {
      const target = choice.choose();
      if (target !== undefined) target.pending += 1;
    }
    for (const { pending } of targets) expect(Math.abs(pending - 100)).toBeLessThan(5);
  });
});

describe('a target that fails', () => {
  it('goes out after five failures in a row, and not after four', () => {
    const { targets, chosen, fail, changes } = rig(2);
    fail(0, 4);
    targets[0]?.answered();
    fail(0, 4);
    expect(changes).toEqual([]);
    fail(0, 1);
    expect(changes).toEqual(['0 failing']);
    expect(counts(chosen, 20)).toEqual([undefined, 20]);
  });

  it('stays in while it answers others: one path that hangs takes no service out', () => {
    const { targets, changes } = rig(1);
    const before = targets[0]?.answers ?? 0;
    targets[0]?.answered();
    for (let n = 0; n < 100; n += 1) targets[0]?.failed(before);
    expect(changes).toEqual([]);
  });

  it('is tried by one request after 1 s, 2 s, 4 s … 30 s, and comes in with the first answer', () => {
    const { targets, chosen, fail, pass, changes } = rig(2);
    fail(0);
    for (const seconds of [1, 2, 4, 8, 16, 30, 30]) {
      pass(seconds * 1000 - 1);
      expect(counts(chosen, 10)[0]).toBeUndefined();
      pass(1);
      expect(counts(chosen, 10)[0]).toBe(1);
      fail(0, 1);
    }
    pass(30_000);
    expect(counts(chosen, 10)[0]).toBe(1);
    targets[0]?.answered();
    expect(changes).toEqual(['0 failing', '0 answering']);
    expect(counts(chosen, 10)).toEqual([5, 5]);
    expect(targets[0]?.ejections).toBe(1);
  });

  it('is never the other one to send to', () => {
    const { targets, choice, fail } = rig(2);
    const [first, second] = targets;
    if (first === undefined || second === undefined) throw new Error('there are two');
    expect(choice.other(first)).toBe(second);
    fail(1);
    expect(choice.other(first)).toBeUndefined();
  });
});

describe('when all targets are out', () => {
  it('one request in 200 ms tries each in turn, the others are answered at once', () => {
    const { chosen, fail, pass } = rig(2);
    fail(0);
    fail(1);
    const tried: (number | undefined)[] = [];
    for (let n = 0; n < 4; n += 1) {
      tried.push(chosen(), chosen());
      pass(200);
    }
    expect(tried.filter((at) => at !== undefined).sort((a, b) => a - b)).toEqual([0, 0, 1, 1]);
    expect(tried.filter((at) => at === undefined)).toHaveLength(4);
  });

  it('the first answer brings its target in, whatever made it go out', () => {
    const { targets, chosen, fail, pass } = rig(2);
    fail(0);
    targets[1]?.setWell(false);
    const at = chosen();
    if (at === undefined) throw new Error('nothing was tried');
    targets[at]?.answered();
    pass(1);
    expect(counts(chosen, 10)[at]).toBe(10);
  });
});

describe('health checks', () => {
  it('take a target out and bring it in again, past the wait for a trial', () => {
    const { targets, chosen, fail, pass, changes } = rig(2);
    targets[0]?.setWell(false);
    fail(0);
    pass(60_000);
    expect(counts(chosen, 10)[0]).toBeUndefined();
    targets[0]?.setWell(true);
    expect(counts(chosen, 10)).toEqual([5, 5]);
    expect(changes).toEqual(['0 unwell', '0 well']);
  });
});
