import { describe, expect, it } from 'vitest';
import { addressListProblem, createAddressList } from './address-list.ts';
import { clientAddress, limitKey, plainAddress } from './client-address.ts';

const trusted = createAddressList(['10.0.0.0/8', '127.0.0.1', '2001:db8::/32']);
const nobody = createAddressList([]);

describe('the client address', () => {
  it.each([
    ['the socket’s where nobody is trusted', '10.0.0.1', ['1.1.1.1'], nobody, '10.0.0.1'],
    ['the socket’s where it is no proxy', '9.9.9.9', ['1.1.1.1'], trusted, '9.9.9.9'],
    ['what the proxy wrote', '10.0.0.1', ['1.1.1.1'], trusted, '1.1.1.1'],
    ['the last that no proxy has', '10.0.0.1', ['6.6.6.6, 1.1.1.1, 10.2.3.4'], trusted, '1.1.1.1'],
    ['read over several lines', '10.0.0.1', ['6.6.6.6', '1.1.1.1'], trusted, '1.1.1.1'],
    ['the proxy’s where it wrote no address', '10.0.0.1', ['1.1.1.1, unknown'], trusted, '10.0.0.1'],
    ['the first where all are proxies', '10.0.0.1', ['10.0.0.3, 10.0.0.2'], trusted, '10.0.0.3'],
    ['IPv4 in IPv6 as IPv4', '::ffff:10.0.0.1', ['::ffff:1.1.1.1'], trusted, '1.1.1.1'],
    ['the same in capitals', '::ffff:10.0.0.1', ['::FFFF:1.1.1.1'], trusted, '1.1.1.1'],
    ['the same in groups', '::ffff:10.0.0.1', ['::ffff:102:fe04'], trusted, '1.2.254.4'],
    ['the same with all its zeroes', '::ffff:10.0.0.1', ['0:0:0:0:0:ffff:c000:0207'], trusted, '192.0.2.7'],
    ['what only looks like it', '::ffff:10.0.0.1', ['::ffff:1'], trusted, '::ffff:1'],
    ['what is translated (RFC 2765), no IPv4', '::ffff:10.0.0.1', ['::ffff:0:102:304'], trusted, '::ffff:0:102:304'],
    ['an IPv6 proxy’s word', '2001:db8::1', ['2001:4860::8888'], trusted, '2001:4860::8888'],
  ])('is %s', (_, socket, forwarded, list, expected) => {
    expect(clientAddress(socket, forwarded, list)).toBe(expected);
  });

  it('has no zone', () => {
    expect(plainAddress('fe80::1%eth0')).toBe('fe80::1');
  });
});

describe('the key of a limit', () => {
  it('is the address for IPv4 and the /64 for IPv6, however it is written', () => {
    expect(limitKey('192.0.2.1')).toBe('192.0.2.1');
    const same = ['2001:db8::1', '2001:DB8:0:0::2', '2001:0db8:0000:0000:1:2:3:4', '2001:db8:0:0:ffff:ffff:ffff:ffff'];
    expect(new Set(same.map(limitKey))).toEqual(new Set(['2001:db8:0:0']));
    expect([limitKey('::1'), limitKey('2001:db8:0:1::'), limitKey('1::')]).toEqual([
      '0:0:0:0',
      '2001:db8:0:1',
      '1:0:0:0',
    ]);
    expect(limitKey('64:ff9b::192.0.2.1')).toBe('64:ff9b:0:0');
  });
});

describe('a list of proxies', () => {
  it.each(['10.0.0.0/33', '0.0.0.0/0', '::/0', 'localhost', '10.0.0', '10.0.0.1/8/9', '10.0.0.1/', 'fe80::1%eth0'])(
    'refuses %s',
    (item) => {
      expect(addressListProblem([item])).toContain('no address or network');
      expect(() => createAddressList([item])).toThrow(TypeError);
    },
  );
  it('takes addresses and networks', () => {
    expect(addressListProblem(['10.0.0.1', '10.0.0.0/8', '::1', '2001:db8::/32'])).toBeUndefined();
  });
});
