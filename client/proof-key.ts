/**
 * The second, stronger kind of a device key: ECDSA on P-256, drawn by WebCrypto, that no script can read out. It signs a proof (RFC 9449) for
 * each request, and what is bound to it is worth nothing to whoever copies tokens. One for a page's origin, in whatever number of tabs.
 */
import { toBase64url } from './base64url.ts';
import { randomId } from './random-id.ts';

/** Keeps the key pair where all tabs of the origin find it, such as `indexedDbDeviceStore()`. */
export interface ProofKeyStore {
  readProofKey(): Promise<CryptoKeyPair | undefined>;
  /** Unless there is one already. Returns the one that is kept: two tabs that draw at once have one key. */
  keepProofKey(drawn: CryptoKeyPair): Promise<CryptoKeyPair>;
}

export interface ProofRequest {
  readonly method: string;
  /** Absolute, or relative to the page. */
  readonly url: string;
  /** That goes with the request; none with a login or a refresh. */
  readonly accessToken?: string;
  /** Milliseconds since the epoch, as the server counts. */
  readonly atMs: number;
}

export interface ProofKey {
  /** The value of the `DPoP` header of one request; another one for each. */
  prove(request: ProofRequest): Promise<string>;
  /** RFC 7638, as it stands in `cnf.jkt` of the tokens that are bound to it. */
  thumbprint(): Promise<string>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const utf8 = new TextEncoder();

/** Draws the key when it is first needed. */
export const openProofKey = (store: ProofKeyStore): ProofKey => {
  const { subtle } = globalThis.crypto;
  const sha256 = async (text: string): Promise<string> =>
    toBase64url(new Uint8Array(await subtle.digest('SHA-256', utf8.encode(text))));
  const open = async () => {
    const { privateKey, publicKey } =
      (await store.readProofKey()) ?? (await store.keepProofKey(await subtle.generateKey(algorithm, false, ['sign'])));
    const { kty, crv, x, y } = await subtle.exportKey('jwk', publicKey);
    return { privateKey, jwk: { crv, kty, x, y } };
  };
  let opened: ReturnType<typeof open> | undefined;
  const key = (): ReturnType<typeof open> => {
    opened ??= open().catch((error: unknown) => {
      // Asked for again, another time it may be readable.
      opened = undefined;
      throw error;
    });
    return opened;
  };
  return {
    prove: async ({ method, url, accessToken, atMs }) => {
      const { privateKey, jwk } = await key();
      const { origin, pathname } = new URL(url, globalThis.location?.href);
      const claims = {
        jti: randomId(),
        htm: method,
        htu: origin + pathname,
        iat: Math.floor(atMs / 1000),
        ...(accessToken !== undefined && { ath: await sha256(accessToken) }),
      };
      const parts = [{ typ: 'dpop+jwt', alg: 'ES256', jwk }, claims];
      const input = parts.map((part) => toBase64url(utf8.encode(JSON.stringify(part)))).join('.');
      const signature = await subtle.sign(algorithm, privateKey, utf8.encode(input));
      return `${input}.${toBase64url(new Uint8Array(signature))}`;
    },
    // RFC 7638 §3.2: the required members in lexicographic order.
    thumbprint: async () => sha256(JSON.stringify((await key()).jwk)),
  };
};
