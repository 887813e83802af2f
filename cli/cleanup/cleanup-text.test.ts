import { expect, it } from 'vitest';
import { cleanupText } from './cleanup-text.ts';

const removed = { sessions: 3, devices: 0, nonces: 0, counters: 12, revocations: 1, audit: 0, events: 0 };

it('begins with the line of the contract, or is one JSON object', () => {
  const none = { removed, resealed: { resealed: 0, unopened: 0 } };
  expect(cleanupText(none, false).split('\n')).toEqual([
    'Cleaned up 3 expired tokens',
    '  sessions     3',
    '  devices      0',
    '  nonces       0',
    '  counters     12',
    '  revocations  1',
    '  audit        0',
    '  events       0',
    '',
  ]);
  expect(cleanupText(none, true)).toBe(`${JSON.stringify({ expired_tokens: 3, removed, resealed: 0, unopened: 0 })}\n`);
  expect(
    cleanupText({ removed, resealed: { resealed: 7, unopened: 2 } }, false)
      .split('\n')
      .slice(-3),
  ).toEqual(['Sealed 7 values under the first root key', 'Left 2 sealed values that no root key here opens', '']);
});
