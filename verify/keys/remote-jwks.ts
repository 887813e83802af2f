import type { RemoteKeySource } from './key-source.ts';
import { type RemoteKeysOptions, remoteKeys } from './remote-keys.ts';
import { parseJwks } from './static-jwks.ts';

/**
 * The JWK Set of an issuer (`jwks_uri`). Keys are fetched when first needed, or at start with `load()`.
 * Every fetch replaces the whole set; one that fails (status, content type, size, time, a private, symmetric, weak or
 * duplicate key) changes nothing until `staleSeconds` have passed since the last good one.
 * @throws TypeError for a misspelt option or another scheme than http(s)
 */
export const remoteJwks = (options: RemoteKeysOptions): RemoteKeySource =>
  remoteKeys('remoteJwks', options, {
    contentTypes: ['application/json', 'application/jwk-set+json'],
    parse: (text) => parseJwks(JSON.parse(text) as unknown),
  });
