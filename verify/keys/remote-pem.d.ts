import type { RemoteKeySource } from './key-source.ts';
import { type RemoteKeysOptions } from './remote-keys.ts';
/**
 * The issuer's `/public-key`: one or more SPKI PEM blocks, current key first. `kid` = RFC 7638 thumbprint.
 * Fetching, failing and replacing as in `remoteJwks`.
 * @throws TypeError for a misspelt option or another scheme than http(s)
 */
export declare const remotePem: (options: RemoteKeysOptions) => RemoteKeySource;
