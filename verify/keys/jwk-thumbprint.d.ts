import { type KeyObject } from 'node:crypto';
/** RFC 7638 SHA-256 thumbprint of a public (or private) key, base64url. Synchronous, so that fixed keys need no await. */
export declare const jwkThumbprint: (key: KeyObject) => string;
