import type { AccessTokenClaims, AssertionClaims } from '@sallyport/contract';

/** Who calls: verified, immutable, the same shape behind a gateway and with a bearer token. */
export interface Identity {
  readonly kind: 'user';
  readonly userId: string;
  readonly email: string | undefined;
  readonly name: string | undefined;
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
  readonly sessionId: string | undefined;
  readonly deviceId: string | undefined;
  /** RFC 8176 authentication methods. */
  readonly amr: readonly string[];
  /** Seconds since the epoch. */
  readonly authTime: number | undefined;
  readonly accessEpoch: number | undefined;
  /**
   * RFC 7638 thumbprint of the key that the caller's token is bound to, and that he has shown with this request. Undefined: the token serves
   * whoever bears it.
   */
  readonly boundKeyThumbprint: string | undefined;
  /**
   * `iss` of the access token. Behind a gateway only where that trusts several issuers; `userId`, `sessionId` and `deviceId` are
   * unique among all of them even so.
   */
  readonly issuer: string | undefined;
  /** As the gateway judged it; undefined where a service reads bearer tokens itself. */
  readonly clientAddress: string | undefined;
  /** The gateway's id; undefined where a service reads bearer tokens itself. */
  readonly gateway: string | undefined;
  readonly claims: AssertionClaims | AccessTokenClaims | PlainClaims;
}

/** All that the plain signature covers. */
export interface PlainClaims {
  readonly sub: string;
  readonly email?: string;
}

/** The gateway vouches for the request, and nobody has logged in: public routes. */
export interface Anonymous {
  readonly kind: 'anonymous';
  readonly clientAddress: string;
  readonly gateway: string;
  readonly claims: AssertionClaims;
}

const none: readonly string[] = Object.freeze([]);

type Common = Pick<
  AccessTokenClaims & AssertionClaims,
  'email' | 'name' | 'roles' | 'permissions' | 'sid' | 'uep' | 'device_id' | 'amr' | 'auth_time' | 'cnf'
>;

const common = (claims: Common): Omit<Identity, 'userId' | 'issuer' | 'clientAddress' | 'gateway' | 'claims'> => ({
  kind: 'user',
  email: claims.email,
  name: claims.name,
  roles: claims.roles ?? none,
  permissions: claims.permissions ?? none,
  sessionId: claims.sid,
  deviceId: claims.device_id,
  amr: claims.amr ?? none,
  authTime: claims.auth_time,
  accessEpoch: claims.uep,
  boundKeyThumbprint: claims.cnf?.jkt,
});

/** Identity of checked assertion claims. */
export const identityOfAssertion = (claims: AssertionClaims): Identity | Anonymous => {
  const { sub, tis: issuer, cip: clientAddress, iss: gateway } = claims;
  if (sub === undefined) return Object.freeze({ kind: 'anonymous', clientAddress, gateway, claims });
  return Object.freeze({ ...common(claims), userId: sub, issuer, clientAddress, gateway, claims });
};

/** Identity of verified access-token claims. */
export const identityOfToken = (claims: AccessTokenClaims): Identity =>
  Object.freeze({
    ...common(claims),
    userId: claims.sub,
    issuer: claims.iss,
    clientAddress: undefined,
    gateway: undefined,
    claims,
  });

/** Identity of a plain signature: an id and an e-mail, and nothing that it does not cover. */
export const identityOfPlain = (userId: string, email: string | undefined): Identity => {
  const claims = Object.freeze({ sub: userId, ...(email !== undefined && { email }) });
  const nobodySaid = { issuer: undefined, clientAddress: undefined, gateway: undefined } as const;
  return Object.freeze({ ...common(claims), ...nobodySaid, userId, claims });
};
