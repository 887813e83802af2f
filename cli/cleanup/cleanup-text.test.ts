import { expect, it } from 'vitest';
import { cleanupText } from './cleanup-text.ts';

const removed = { sessions: 3, devices: 0, nonces: 0, counters: 12, revocations: 1, audit: 0, events: 0 };

it('begins with the line of the contract, or is one JSON object', () => {
  expect(cleanupText(removed, false).split('\n')).toEqual([
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
  expect(cleanupText(removed, true)).toBe(`${JSON.stringify({ expired_tokens: 3, removed })}\n`);
});
