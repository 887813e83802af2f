import { describe, expect, it } from 'vitest';
import { exchangeOf, outcomeOf } from '../testing/exchange.ts';
import { preflight } from './preflight.ts';

describe('preflight', () => {
  it('answers preflights and OPTIONS *, and nothing else', () => {
    const asked = exchangeOf('OPTIONS', '/a');
    asked.isPreflight = true;
    const star = exchangeOf('OPTIONS', '*');
    star.target = '*';
    const plain = exchangeOf('OPTIONS', '/a');
    plain.target = '/a';
    expect([asked, star, plain].map((exchange) => outcomeOf(preflight().run(exchange)))).toEqual([204, 204, 'goes on']);
  });
});
