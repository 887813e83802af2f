import { expect, it } from 'vitest';
import { createSubjectOf } from './subject.ts';

it('names a counter alike on every gateway, by what it is about and under which limit', () => {
  const [one, same, other] = [1, 1, 2].map((byte) => createSubjectOf(new Uint8Array(32).fill(byte)));
  const numbers = { perMinute: 100, burst: 10 };
  const subject = one?.('flood', numbers, '192.0.2.1');
  expect(subject).toMatch(/^[\w-]{22}$/);
  expect(same?.('flood', numbers, '192.0.2.1')).toBe(subject);
  const others = [
    other?.('flood', numbers, '192.0.2.1'),
    one?.('user path /a', numbers, '192.0.2.1'),
    one?.('flood', { ...numbers, burst: 11 }, '192.0.2.1'),
    one?.('flood', numbers, '192.0.2.2'),
  ];
  expect(new Set([subject, ...others]).size).toBe(5);
});
