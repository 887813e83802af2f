import { isIPv6 } from 'node:net';

/** Undefined: let it pass. Else so many seconds until the next one may. */
export type HandshakeLimit = (address: string) => number | undefined;

const windowMs = 60_000;
/** Beyond, the counting begins anew: an attacker with that many addresses is not stopped by an address. */
const maxAddresses = 65_536;

/** So many from one address, or of one user, in a minute. IPv6 by its /64, which is what one subscriber has. */
export const createHandshakeLimit = (perMinute: number, elapsedMs: () => number): HandshakeLimit => {
  let counts = new Map<string, number>();
  let begunMs = elapsedMs();
  return (address) => {
    if (perMinute === 0) return undefined;
    const now = elapsedMs();
    if (now - begunMs >= windowMs || counts.size >= maxAddresses) {
      counts = new Map();
      begunMs = now;
    }
    const network = isIPv6(address) ? networkOf(address) : address;
    const count = (counts.get(network) ?? 0) + 1;
    counts.set(network, count);
    return count <= perMinute ? undefined : Math.max(1, Math.ceil((begunMs + windowMs - now) / 1000));
  };
};

const networkOf = (address: string): string => {
  const [head = '', tail] = address.toLowerCase().split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros =
    tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0');
  // An IPv4 address in IPv6's clothes is one subscriber's by itself.
  if (address.toLowerCase().startsWith('::ffff:')) return address;
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
};
