import { describe, expect, it } from 'vitest';
import { exchangeOf } from '../testing/exchange.ts';
import { cors } from './cors.ts';

const ours = 'https://app.example';
const run = (method: string, lines: readonly string[], origins: readonly string[] = [ours]) => {
  const exchange = exchangeOf(method, '/', ...lines);
  void cors({ origins }).run(exchange);
  return { names: exchange.responseHeaders.filter((_, at) => at % 2 === 0), isPreflight: exchange.isPreflight };
};

describe('CORS', () => {
  it('exposes to its origins with credentials', () => {
    expect(run('GET', ['Origin', ours])).toEqual({
      names: [
        'vary',
        'access-control-allow-origin',
        'access-control-allow-credentials',
        'access-control-expose-headers',
      ],
      isPreflight: false,
    });
  });

  it.each([
    ['another origin', ['Origin', 'https://app.example.evil']],
    ['a prefix of it', ['Origin', 'https://app.exampl']],
    ['another case', ['Origin', 'https://APP.example']],
    ['null', ['Origin', 'null']],
    ['two origins', ['Origin', ours, 'Origin', ours]],
    ['none', []],
  ])('gives %s nothing but Vary', (_, lines) => {
    expect(run('GET', lines).names).toEqual(['vary']);
  });

  it('knows a preflight by method, origin and what it asks for', () => {
    const asks = ['Access-Control-Request-Method', 'POST'];
    expect(run('OPTIONS', ['Origin', ours, ...asks])).toMatchObject({ isPreflight: true });
    expect(run('OPTIONS', ['Origin', ours, ...asks]).names).toContain('access-control-max-age');
    expect(run('OPTIONS', ['Origin', ours]).isPreflight).toBe(false);
    expect(run('OPTIONS', asks).isPreflight).toBe(false);
    expect(run('GET', ['Origin', ours, ...asks]).isPreflight).toBe(false);
  });

  it('is off without origins', () => {
    expect(run('GET', ['Origin', ours], []).names).toEqual([]);
  });
});
