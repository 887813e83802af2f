/**
 * Decodes base64url in its one canonical spelling: no padding, no foreign character, no non-zero trailing bits
 * (RFC 7515 §2, RFC 4648 §3.5). Two spellings of one token would be two cache keys and two log entries of one secret.
 * Returns undefined for anything else.
 */
export declare const decodeBase64url: (text: string) => Buffer | undefined;
