import type { RemoteKeySource } from './key-source.ts';
import { type RemoteKeysOptions } from './remote-keys.ts';
/**
 * The JWK Set of an issuer (`jwks_uri`). Keys are fetched when first needed, or at start with `load()`.
 * Every fetch replaces the whole set; one that fails (status, content type, size, time, a private, symmetric, weak or
 * duplicate key) changes nothing until `staleSeconds` have passed since the last good one.
 * @throws TypeError for a misspelt option or another scheme than http(s)
 */
export declare const remoteJwks: (options: RemoteKeysOptions) => RemoteKeySource;
