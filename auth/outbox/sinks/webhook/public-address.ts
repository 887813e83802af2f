import { BlockList, isIPv4 } from 'node:net';

/** IANA special-purpose registries, and what is for many receivers: nothing of it is one machine on the internet. */
const special = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  special.addSubnet(net, bits, 'ipv4');

/** RFC 4291 §2.4: global unicast is 2000::/3. Loopback, mapped and compatible addresses, fc00::/7, fe80::/10, ff00::/8 are outside. */
const global = new BlockList();
global.addSubnet('2000::', 3, 'ipv6');
const specialInGlobal = new BlockList();
for (const [net, bits] of [
  // Protocol assignments, Teredo among them; documentation; 6to4, which carries any IPv4 address.
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  specialInGlobal.addSubnet(net, bits, 'ipv6');

/** RFC 6052: how a network without IPv4 names an IPv4 address. */
const nat64 = new BlockList();
nat64.addSubnet('64:ff9b::', 96, 'ipv6');

/** Whether an address, as the resolver or a URL spells it, is one of the internet and not of this machine or its networks. */
export const isPublicAddress = (address: string): boolean => {
  if (isIPv4(address)) return !special.check(address, 'ipv4');
  const spelt = canonical(address);
  if (spelt === undefined) return false;
  if (nat64.check(spelt, 'ipv6')) return isPublicAddress(lastFourBytes(spelt));
  return global.check(spelt, 'ipv6') && !specialInGlobal.check(spelt, 'ipv6');
};

/** Undefined: no address, or one with a zone, which is of a link. */
const canonical = (address: string): string | undefined => {
  const url = `http://[${address}]/`;
  return URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : undefined;
};

const lastFourBytes = (spelt: string): string => {
  const [high = 0, low = 0] = spelt
    .split(':')
    .slice(-2)
    .map((group) => Number.parseInt(group || '0', 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
};
