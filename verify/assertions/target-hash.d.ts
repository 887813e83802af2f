/** `pth`: base64url(SHA-256(path and query)), of the target exactly as it stands on the wire. */
export declare const targetHash: (target: string) => string;
