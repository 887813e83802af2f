import { describe, expect, it } from 'vitest';
import { isPublicAddress } from './public-address.ts';

const refused =
  `0.0.0.0 10.1.2.3 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 172.31.255.255
  192.0.0.8 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255
  :: ::1 ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:8.8.8.8 ::127.0.0.1 0:0:0:0:0:0:0:1 64:ff9b::127.0.0.1 64:ff9b::a00:1 64:ff9b:1::1
  100::1 2001::1 2001:db8::1 2002:7f00:1::1 3fff::1 fc00::1 fd12:3456::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1 5f00::1
  localhost 127.1 2130706433 0x7f.1`.split(/\s+/);
const accepted =
  `1.1.1.1 8.8.8.8 11.0.0.1 100.63.255.255 100.128.0.1 172.15.255.255 172.32.0.1 192.0.1.1 192.167.1.1 223.255.255.255
  2606:4700:4700::1111 2a00:1450:4001::200e 2001:4860:4860::8888 64:ff9b::808:808`.split(/\s+/);

describe('an address is public', () => {
  it.each(accepted)('%s', (address) => expect(isPublicAddress(address)).toBe(true));
});
describe('an address is not public', () => {
  it.each(refused)('%s', (address) => expect(isPublicAddress(address)).toBe(false));
});
