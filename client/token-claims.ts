import { fromBase64url } from './base64url.ts';

export interface TokenClaims {
  /** Seconds since the epoch, as the issuer counts. */
  readonly exp?: unknown;
  /** The key that the token is bound to. */
  readonly cnf?: unknown;
}

/** What an access token of the own issuer says of itself; nothing of one that is no JWT. */
export const claimsOf = (accessToken: string): TokenClaims => {
  try {
    const text = new TextDecoder().decode(fromBase64url(accessToken.split('.')[1] ?? ''));
    return Object(JSON.parse(text)) as TokenClaims;
  } catch {
    return {};
  }
};
