import { hash } from 'node:crypto';

/** `pth`: base64url(SHA-256(path and query)), of the target exactly as it stands on the wire. */
export const targetHash = (target: string): string => hash('sha256', target, 'base64url');
