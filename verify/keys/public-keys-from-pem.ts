import { createPublicKey } from 'node:crypto';
import { fixedKeys } from './fixed-keys.ts';
import type { KeySource, VerificationKey } from './key-source.ts';
import { publicKey } from './public-key.ts';

const pemBlock = /-----BEGIN ([A-Z0-9 ]{1,40})-----[A-Za-z0-9+/=\s]*-----END \1-----/g;

/** Reads every block of a PEM text. */
export const parsePublicPem = (pem: string): readonly VerificationKey[] => {
  const blocks = [...pem.matchAll(pemBlock)];
  if (blocks.length === 0) throw new TypeError('No PEM block found');
  return blocks.map(([block, label]) => {
    // createPublicKey would quietly derive the public half of a private key; a private key does not belong here at all.
    if (label !== 'PUBLIC KEY') throw new TypeError(`PEM block is "${label}", not "PUBLIC KEY" (SPKI)`);
    return publicKey(createPublicKey({ key: block, format: 'pem', type: 'spki' }));
  });
};

/**
 * Public keys from SPKI PEM: one text with any number of blocks, or several texts. RSA (2048 to 8192 bits), EC P-256,
 * Ed25519. `kid` = RFC 7638 thumbprint.
 * @throws TypeError for private keys, other blocks, weak keys, or one key given twice
 */
export const publicKeysFromPem = (pem: string | readonly string[]): KeySource =>
  fixedKeys((typeof pem === 'string' ? [pem] : pem).flatMap(parsePublicPem));
