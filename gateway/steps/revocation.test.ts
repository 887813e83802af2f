import type { RevocationState } from '@sallyport/verify';
import { expect, it } from 'vitest';
import { exchangeOf, outcomeOf, routeTo, verified } from '../testing/exchange.ts';
import { revocation } from './revocation.ts';

const outcomes: readonly (readonly [RevocationState, string])[] = [
  ['active', 'goes on'],
  ['revoked', 'token_revoked'],
  ['stale', 'token_stale'],
  ['unknown', 'revocation_unavailable'],
];

it.each(outcomes)('a token that is %s: %s', (state, outcome) => {
  const exchange = exchangeOf('GET', '/');
  exchange.token = verified();
  expect(outcomeOf(revocation({ revocations: { isRevoked: () => state } }).run(exchange))).toBe(outcome);
});

it('is asked about the token that was verified, and about nobody where nobody was identified', () => {
  const asked: unknown[] = [];
  const isRevoked = (subject: unknown): 'active' => {
    asked.push(subject);
    return 'active';
  };
  const step = revocation({ revocations: { isRevoked } });
  const exchange = exchangeOf('GET', '/');
  expect(outcomeOf(step.run(exchange))).toBe('goes on');
  expect(asked).toEqual([]);
  exchange.token = verified();
  expect(outcomeOf(step.run(exchange))).toBe('goes on');
  expect(asked).toEqual([exchange.token.subject]);
});

it('a route may accept what the feed cannot say, and nothing else', () => {
  const judge = (state: RevocationState) => {
    const exchange = exchangeOf('GET', '/');
    exchange.route = routeTo('a', { acceptsUnknown: true });
    exchange.token = verified();
    return outcomeOf(revocation({ revocations: { isRevoked: () => state } }).run(exchange));
  };
  const states = ['active', 'unknown', 'revoked', 'stale'] as const;
  expect(states.map(judge)).toEqual(['goes on', 'goes on', 'token_revoked', 'token_stale']);
});
