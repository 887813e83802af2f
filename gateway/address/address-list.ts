/**
 * Addresses: whose forwarded addresses are believed, which address a request has, and what limits count by. Never: looks a name
 * up, or believes a header from anybody who is not listed.
 */
import { BlockList, isIP } from 'node:net';

/** A list of addresses and networks, checked and compiled. Addresses are plain: IPv4-mapped ones have become IPv4. */
export interface AddressList {
  has(address: string): boolean;
}

interface Network {
  readonly address: string;
  readonly family: 'ipv4' | 'ipv6';
  readonly prefix: number;
}

const parseNetwork = (item: string): Network | undefined => {
  const [address = '', prefixText, ...rest] = item.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0 || address.includes('%')) return undefined;
  const bits = version === 4 ? 32 : 128;
  const prefix = prefixText === undefined ? bits : /^\d{1,3}$/.test(prefixText) ? Number(prefixText) : -1;
  // Everybody trusted is nobody checked: it would let any client choose its address.
  if (prefix < 1 || prefix > bits) return undefined;
  return { address, family: version === 4 ? 'ipv4' : 'ipv6', prefix };
};

/** What is wrong with the setting, as the rest of a sentence. */
export const addressListProblem = (items: readonly string[]): string | undefined => {
  const wrong = items.find((item) => parseNetwork(item) === undefined);
  return wrong === undefined
    ? undefined
    : `holds "${wrong.slice(0, 60)}", which is no address or network such as 10.0.0.0/8`;
};

/** Compiles a checked list. Throws TypeError for an item of another form. */
export const createAddressList = (items: readonly string[]): AddressList => {
  const list = new BlockList();
  for (const item of items) {
    const network = parseNetwork(item);
    if (network === undefined) throw new TypeError('An address list holds addresses and networks');
    list.addSubnet(network.address, network.prefix, network.family);
  }
  const isEmpty = items.length === 0;
  return Object.freeze({
    has: (address: string) => !isEmpty && list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'),
  });
};
