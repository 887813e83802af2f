import { createHmac } from 'node:crypto';
import { type AccessTokenClaims, type AssertionClaims, identityHeaders } from '@sallyport/contract';
import { headerText } from '../headers/header-text.ts';

type IdentityClaims = Pick<
  AssertionClaims,
  'sub' | 'tis' | 'email' | 'name' | 'roles' | 'permissions' | 'sid' | 'uep' | 'device_id' | 'amr' | 'auth_time' | 'cnf'
>;

/** What a service is told about the user of one token, made once for both. */
export interface PreparedIdentity {
  /** The claims as JSON text; a member that the token has not is absent. */
  readonly json: string;
  /** Name, value, …: the readable headers. */
  readonly headers: readonly string[];
  /** Bytes of the claims as JSON, or of the headers where they are longer. */
  readonly bytes: number;
}

const identityClaims = (
  claims: AccessTokenClaims,
  namesIssuer: boolean,
): { [Name in keyof IdentityClaims]: IdentityClaims[Name] | undefined } => ({
  sub: claims.sub,
  tis: namesIssuer ? claims.iss : undefined,
  email: claims.email,
  name: claims.name,
  roles: claims.roles,
  permissions: claims.permissions,
  sid: claims.sid,
  uep: claims.uep,
  device_id: claims.device_id,
  amr: claims.amr,
  auth_time: claims.auth_time,
  cnf: claims.cnf,
});

/** hex HMAC-SHA-256(GATEWAY_SECRET, `<id>:<email>`), over the two as they stand in the headers. */
const plainSignature = (secret: string, id: string, email: string): string =>
  createHmac('sha256', secret).update(`${id}:${email}`).digest('hex');

const readableHeaders = (claims: AccessTokenClaims, plainSecret: string | undefined): string[] => {
  const id = headerText(claims.sub);
  const email = headerText(claims.email ?? '');
  const headers = [identityHeaders.userId, id];
  if (email !== '') headers.push(identityHeaders.userEmail, email);
  if (claims.roles !== undefined) headers.push(identityHeaders.roles, claims.roles.map(headerText).join(','));
  if (claims.permissions !== undefined) {
    headers.push(identityHeaders.permissions, claims.permissions.map(headerText).join(','));
  }
  if (plainSecret !== undefined) headers.push(identityHeaders.signature, plainSignature(plainSecret, id, email));
  return headers;
};

/**
 * @param plainSecret GATEWAY_SECRET for a service that is marked `plain`, else undefined
 * @param namesIssuer whether the assertion says whose token it was
 */
export const prepareIdentity = (
  claims: AccessTokenClaims,
  plainSecret: string | undefined,
  namesIssuer: boolean,
): PreparedIdentity => {
  const json = JSON.stringify(identityClaims(claims, namesIssuer));
  const headers = readableHeaders(claims, plainSecret);
  let headerBytes = 0;
  for (const text of headers) headerBytes += text.length;
  return { json, headers, bytes: Math.max(Buffer.byteLength(json), headerBytes) };
};
