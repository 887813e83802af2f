/**
 * The `kid` of a shared secret: 'hs' and base64url of the first 9 bytes of HMAC-SHA-256(secret, 'sallyport/kid/1').
 * It says which secret signed without saying anything about the secret itself.
 * @param secret text (UTF-8) or bytes
 */
export declare const hmacKeyId: (secret: string | Uint8Array) => string;
