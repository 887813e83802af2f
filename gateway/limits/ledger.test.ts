import { describe, expect, it } from 'vitest';
import { createLedger } from './ledger.ts';

const limit = (name: string) => ({ name, numbers: { perMinute: 1, burst: 1 }, raise: () => undefined });
const told = (spent: readonly { limit: { name: string }; key: string; count: number }[]) =>
  spent.map(({ limit: { name }, key, count }) => `${name} ${key} ${count}`);

describe('the ledger', () => {
  it('adds up by limit and key, and gives out each once', () => {
    const ledger = createLedger({ maxKeys: 10 });
    const [flood, user] = [ledger.open(limit('flood')), ledger.open(limit('user'))];
    flood('a');
    user('a', 2);
    flood('a', 3);
    expect(ledger.size).toBe(2);
    expect(told(ledger.take(10))).toEqual(['flood a 4', 'user a 2']);
    expect([ledger.take(10), ledger.size]).toEqual([[], 0]);
    flood('a');
    expect(told(ledger.take(10))).toEqual(['flood a 1']);
  });

  it('gives out the first written first, at most so many, each page in its turn', () => {
    const ledger = createLedger({ maxKeys: 10 });
    const [flood, user] = [ledger.open(limit('flood')), ledger.open(limit('user'))];
    for (const key of ['a', 'b', 'c']) flood(key);
    user('x');
    expect(told(ledger.take(2))).toEqual(['flood a 1', 'flood b 1']);
    for (const key of ['d', 'e']) flood(key);
    expect(told(ledger.take(2))).toEqual(['user x 1', 'flood c 1']);
    expect(told(ledger.take(9))).toEqual(['flood d 1', 'flood e 1']);
  });

  it('remembers no more keys than it may, and says how many it did not', () => {
    const ledger = createLedger({ maxKeys: 2 });
    const note = ledger.open(limit('flood'));
    for (const key of ['a', 'b', 'c', 'd', 'a']) note(key);
    expect([told(ledger.take(9)), ledger.forgotten]).toEqual([['flood a 2', 'flood b 1'], 2]);
  });
});
