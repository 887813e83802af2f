import { expect, it } from 'vitest';
import { hashOfRoom, placeOf, roomIdOf } from './places.ts';

it('finds the place in an address, and the rooms where there is none', () => {
  expect(placeOf(hashOfRoom('lobby'))).toEqual({ kind: 'room', roomId: 'lobby' });
  expect(placeOf('#/devices')).toEqual({ kind: 'devices' });
  for (const hash of [
    '',
    '#',
    '#/',
    '#/rooms',
    '#/rooms/',
    '#/rooms/a b',
    '#/rooms/../..',
    `#/rooms/${'x'.repeat(65)}`,
  ])
    expect(placeOf(hash)).toEqual({ kind: 'rooms' });
});

it('takes a link or an id, and nothing else', () => {
  expect(roomIdOf(' lobby ')).toBe('lobby');
  expect(roomIdOf('http://localhost:3000/#/rooms/lobby')).toBe('lobby');
  for (const pasted of ['', 'the lobby', 'http://localhost:3000/', 'http://localhost:3000/#/devices'])
    expect(roomIdOf(pasted)).toBeUndefined();
});
