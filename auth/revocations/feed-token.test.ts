import { systemRandom } from '@sallyport/kit/random';
import { expect, it } from 'vitest';
import { feedToken, subscriberOf } from './feed-token.ts';

const roots = [
  { kid: '2', key: systemRandom.bytes(32) },
  { kid: '1', key: systemRandom.bytes(32) },
];

it('opens the feed for the subscriber that it was made for, also under the root key before', () => {
  expect(subscriberOf(feedToken('api-gateway', roots), roots)).toBe('api-gateway');
  expect(subscriberOf(feedToken('api-gateway', roots.slice(1)), roots)).toBe('api-gateway');
});

it('is refused when any part of it is another', () => {
  const token = feedToken('api-gateway', roots);
  const others = [
    token.replace('api-gateway', 'api-gatewax'),
    token.replace('sf1.2', 'sf1.1'),
    token.replace('sf1', 'sf2'),
    `${token}A`,
    token.slice(0, -1),
    token.replace(/.$/, (end) => (end === 'A' ? 'B' : 'A')),
    '',
  ];
  for (const other of others) expect(subscriberOf(other, roots), other).toBeUndefined();
  expect(subscriberOf(feedToken('api-gateway', [{ kid: '2', key: systemRandom.bytes(32) }]), roots)).toBeUndefined();
});

it('is not made for a name that a log or a label could trip over', () => {
  expect(() => feedToken('API gateway', roots)).toThrow(TypeError);
});
