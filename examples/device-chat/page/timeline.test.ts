import { describe, expect, it } from 'vitest';
import { belongsTogether, caughtUp, fromNewest, type Message, withNew, withOlder } from './timeline.ts';

const at = (minute: number, by = 'ada'): Message => ({
  id: `m${minute}`,
  user_id: by,
  message: `at ${minute}`,
  created_at: new Date(Date.UTC(2026, 10, 28, 12, minute)).toISOString(),
});
const range = (from: number, to: number): Message[] =>
  Array.from({ length: to - from }, (_, index) => at(from + index));
const ids = ({ messages }: { readonly messages: readonly Message[] }) => messages.map(({ id }) => id);

describe('a room', () => {
  it('may have older messages behind a full page, and none behind one that is not', () => {
    expect(fromNewest(range(0, 3), 3).hasOlder).toBe(true);
    expect(fromNewest(range(0, 2), 3).hasOlder).toBe(false);
    const whole = withOlder(fromNewest(range(3, 6), 3), range(1, 3), 3);
    expect([ids(whole), whole.hasOlder]).toEqual([['m1', 'm2', 'm3', 'm4', 'm5'], false]);
  });

  it('shows no message twice, whoever tells of it first', () => {
    const once = withNew(withNew(fromNewest([at(1)], 3), [at(2)]), [at(2)]);
    expect(ids(once)).toEqual(['m1', 'm2']);
  });

  it('puts what comes late where it belongs', () => {
    expect(ids(withNew(fromNewest([at(1), at(3)], 9), [at(2)]))).toEqual(['m1', 'm2', 'm3']);
  });
});

describe('after the connection was away', () => {
  const known = fromNewest(range(0, 3), 3);
  it('what was missed is added where the page meets what is known', () => {
    expect(ids(caughtUp(known, range(2, 5), 3) ?? known)).toEqual(['m0', 'm1', 'm2', 'm3', 'm4']);
  });
  it('a page that does not meet it hides no gap', () => {
    expect(caughtUp(known, range(10, 13), 3)).toBeUndefined();
  });
  it('a room that was empty takes the page as it is', () => {
    expect(caughtUp(fromNewest([], 3), range(0, 3), 3)).toEqual({ messages: range(0, 3), hasOlder: true });
  });
});

it('names an author once for what was written in one go', () => {
  expect(belongsTogether(undefined, at(1))).toBe(false);
  expect(belongsTogether(at(1), at(2))).toBe(true);
  expect(belongsTogether(at(1), at(2, 'bob'))).toBe(false);
  expect(belongsTogether(at(1), at(20))).toBe(false);
});
