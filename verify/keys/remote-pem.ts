import type { RemoteKeySource } from './key-source.ts';
import { parsePublicPem } from './public-keys-from-pem.ts';
import { type RemoteKeysOptions, remoteKeys } from './remote-keys.ts';

/**
 * The issuer's `/public-key`: one or more SPKI PEM blocks, current key first. `kid` = RFC 7638 thumbprint.
 * Fetching, failing and replacing as in `remoteJwks`.
 * @throws TypeError for a misspelt option or another scheme than http(s)
 */
export const remotePem = (options: RemoteKeysOptions): RemoteKeySource =>
  remoteKeys('remotePem', options, {
    contentTypes: ['application/x-pem-file', 'text/plain'],
    parse: parsePublicPem,
  });
