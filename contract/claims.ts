/**
 * What Sallyport's signed objects say: access tokens, gateway assertions, and the parameters of the CSRF token.
 * Times in claims are seconds since the epoch (RFC 7519 §2, NumericDate).
 */

/** RFC 9068 §2.1: `typ` of a JWT access token. */
export const accessTokenType = 'at+jwt';
/** `typ` of the gateway's assertion; a verifier of access tokens refuses it, and the other way round (RFC 8725 §3.11). */
export const assertionType = 'gw-assertion+jwt';
export const assertionVersion = 1;
export const assertionLifetimeSeconds = 30;
/** How far clocks may be apart: tokens, assertions and caches share this one default. */
export const defaultLeewaySeconds = 30;

export const signatureAlgorithms = ['HS256', 'RS256', 'PS256', 'ES256', 'EdDSA'] as const;
export type SignatureAlgorithm = (typeof signatureAlgorithms)[number];
export const isSignatureAlgorithm = (value: unknown): value is SignatureAlgorithm =>
  (signatureAlgorithms as readonly unknown[]).includes(value);

/** RFC 7800: the key that a token is bound to. */
export interface Confirmation {
  /** RFC 9449 §6.1: RFC 7638 SHA-256 thumbprint of the public key, base64url. */
  readonly jkt?: string;
}

/** RFC 9449 §4.2: `typ` of a proof. */
export const proofType = 'dpop+jwt';
/** RFC 9449 §4.2: what a proof is signed with, asymmetric alone; the one that WebCrypto has everywhere. */
export const proofAlgorithm = 'ES256';
/** How old a proof may be, beside the leeway between clocks. */
export const defaultProofAgeSeconds = 60;
/** A `DPoP` header of more characters is refused unread. */
export const maxProofLength = 2048;

export const tokenTypes = ['Bearer', 'DPoP'] as const;
export type TokenType = (typeof tokenTypes)[number];

/** RFC 9068 with Sallyport's own claims. Optional members may be absent in tokens of other issuers. */
export interface AccessTokenClaims {
  readonly iss: string;
  readonly sub: string;
  readonly aud?: string | readonly string[];
  readonly client_id?: string;
  readonly iat: number;
  readonly nbf?: number;
  readonly exp: number;
  readonly jti?: string;
  /** The session (= refresh family) that the token belongs to. */
  readonly sid?: string;
  /** The user's access epoch when the token was made; raised by logout-all, disable, delete, password and role changes. */
  readonly uep?: number;
  readonly scope?: string;
  readonly roles?: readonly string[];
  readonly permissions?: readonly string[];
  readonly auth_time?: number;
  readonly amr?: readonly string[];
  readonly acr?: string;
  readonly cnf?: Confirmation;
  /** The contracts' own claims. */
  readonly user_id?: string;
  readonly email?: string;
  readonly name?: string;
  /** OpenID Connect Core §5.1. Here the user name, which no two accounts share; a `name` may be anybody's. */
  readonly preferred_username?: string;
  readonly role?: string;
  readonly device_id?: string;
}

/** `X-Gateway-Assertion`: who calls, judged by the gateway, bound to one service, one method and one target. */
export interface AssertionClaims {
  readonly ver: typeof assertionVersion;
  /** The gateway's id, by default `gateway`. */
  readonly iss: string;
  /** The service's id. */
  readonly aud: string;
  readonly iat: number;
  readonly exp: number;
  /** UUIDv7 made by the gateway. */
  readonly jti: string;
  readonly sub?: string;
  /** `iss` of the access token, where the gateway trusts several issuers. */
  readonly tis?: string;
  readonly email?: string;
  readonly name?: string;
  readonly roles?: readonly string[];
  readonly permissions?: readonly string[];
  readonly sid?: string;
  readonly uep?: number;
  readonly device_id?: string;
  readonly amr?: readonly string[];
  readonly auth_time?: number;
  readonly cnf?: Confirmation;
  /** Client address as the gateway judged it. */
  readonly cip: string;
  /** Request method. */
  readonly mth: string;
  /** base64url(SHA-256(forwarded path and query)). */
  readonly pth: string;
  /** True on public routes, where nobody has been identified. */
  readonly anon?: true;
}

/**
 * Between an issuer's short name and an id of its own making, where several issuers are trusted: `partner|42`. No id of the one
 * issuer without such a name holds it, so that two issuers never name one user.
 */
export const issuerSeparator = '|';

/** Every HTTP header name of the identity namespace that the gateway speaks, lower-case. */
export const identityHeaders = {
  assertion: 'x-gateway-assertion',
  signature: 'x-gateway-signature',
  userId: 'x-user-id',
  userEmail: 'x-user-email',
  roles: 'x-roles',
  permissions: 'x-permissions',
} as const;

/** HKDF info prefix of a service's assertion key; the service id follows. */
export const assertionKeyInfo = 'sallyport/assertion/1';
