/**
 * Who is calling, as an address. Forwarded addresses are believed from configured proxies only, and read from the right: what
 * stands further left was written by whoever sent it.
 */
import { isIP } from 'node:net';
import type { AddressList } from './address-list.ts';

/** RFC 4291 §2.5.5.2 in any spelling: zeroes, `ffff`, and IPv4 as four decimals or two groups. */
const mapped = /^[0:]+:ffff:(?:(\d+\.\d+\.\d+\.\d+)|([\da-f]{1,4}):([\da-f]{1,4}))$/i;
const maxHops = 32;

/** IPv4-mapped IPv6 as IPv4, without zone. */
export const plainAddress = (address: string): string => {
  // Most addresses are no IPv6, and most others begin with something else.
  const found = address.startsWith(':') || address.startsWith('0') ? mapped.exec(address) : null;
  if (found !== null) return found[1] ?? [...bytesOf(found[2]), ...bytesOf(found[3])].join('.');
  const zone = address.indexOf('%');
  return zone < 0 ? address : address.slice(0, zone);
};

const bytesOf = (group = '0'): readonly [number, number] => {
  const value = Number.parseInt(group, 16);
  return [value >> 8, value & 0xff];
};

/** The address that the request came from, given the socket's and the client's `X-Forwarded-For` lines. */
export const clientAddress = (socketAddress: string, forwardedFor: readonly string[], trusted: AddressList): string => {
  let address = plainAddress(socketAddress);
  if (forwardedFor.length === 0 || !trusted.has(address)) return address;
  const hops = forwardedFor.join(',').split(',').slice(-maxHops);
  for (let hop = hops.pop(); hop !== undefined && trusted.has(address); hop = hops.pop()) {
    const told = plainAddress(hop.trim());
    // A trusted proxy that writes something else than an address has told us nothing.
    if (isIP(told) === 0) break;
    address = told;
  }
  return address;
};

/** What limits count by: IPv4 by address, IPv6 by /64, because that is what one subscriber has. */
export const limitKey = (address: string): string => {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.toLowerCase().split('::');
  const left = head === '' ? [] : head.split(':');
  if (tail === undefined) return left.slice(0, 4).map(strip).join(':');
  const right = tail === '' ? [] : tail.split(':');
  // A dotted end (::1.2.3.4) stands for two groups.
  const width = right.length + (tail.includes('.') ? 1 : 0);
  const zeroes = Array.from({ length: Math.max(0, 8 - left.length - width) }, () => '0');
  return [...left, ...zeroes, ...right].slice(0, 4).map(strip).join(':');
};

const strip = (group: string): string => group.replace(/^0+(?=.)/, '');
