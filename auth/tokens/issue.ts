import { type AccessTokenClaims, accessTokenType, type EpochMs, toEpochSeconds } from '@sallyport/contract';
import type { Clock } from '@sallyport/kit/clock';
import type { Random } from '@sallyport/kit/random';
import type { User } from '@sallyport/storage/contracts/accounts';
import type { Session } from '@sallyport/storage/contracts/sessions';
import type { AuthSettings, ExtraClaim } from '../config.ts';
import type { SigningKey } from './signing-key.ts';

export interface IssueOptions {
  /** What signs at this instant. */
  readonly key: () => SigningKey;
  readonly settings: Pick<AuthSettings, 'issuer' | 'audience' | 'accessTokenTtlSeconds' | 'claims'>;
  readonly clock: Clock;
  readonly random: Pick<Random, 'uuidv7'>;
}

export type IssuedSession = Pick<
  Session,
  'id' | 'clientId' | 'authTimeMs' | 'amr' | 'acr' | 'deviceId' | 'scope' | 'audience' | 'boundKeyThumbprint'
>;

/** Makes access tokens: JWTs by RFC 9068 with Sallyport's `sid` and `uep` and the preset's extra claims. */
export const createAccessTokenIssuer = (
  options: IssueOptions,
): ((user: User, session: IssuedSession) => Promise<string>) => {
  const { settings, clock, random } = options;
  const headers = new WeakMap<SigningKey, string>();
  const headerOf = (key: SigningKey): string => {
    const known = headers.get(key);
    if (known !== undefined) return known;
    const header = encode({ alg: key.algorithm, typ: accessTokenType, kid: key.kid });
    headers.set(key, header);
    return header;
  };
  return async function issueAccessToken(user, session) {
    const nowMs = clock.nowMs();
    const issuedAt = toEpochSeconds(nowMs as EpochMs);
    const claims: AccessTokenClaims = {
      iss: settings.issuer,
      sub: user.id,
      aud: session.audience ?? settings.audience,
      client_id: session.clientId,
      iat: issuedAt,
      nbf: issuedAt,
      exp: issuedAt + settings.accessTokenTtlSeconds,
      jti: random.uuidv7(nowMs),
      sid: session.id,
      uep: user.accessEpoch,
      auth_time: toEpochSeconds(session.authTimeMs),
      amr: session.amr,
      ...(session.acr !== undefined && { acr: session.acr }),
      ...(session.scope !== undefined && { scope: session.scope }),
      ...(user.roles.length > 0 && { roles: user.roles }),
      ...(user.permissions.length > 0 && { permissions: user.permissions }),
      ...(session.boundKeyThumbprint !== undefined && { cnf: { jkt: session.boundKeyThumbprint } }),
      ...extraClaims(user, session, settings.claims as readonly ExtraClaim[]),
    };
    const key = options.key();
    const signingInput = `${headerOf(key)}.${encode(claims)}`;
    const signature = await key.signJws(signingInput);
    return `${signingInput}.${signature.toString('base64url')}`;
  };
};

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const claimSources: Readonly<Record<ExtraClaim, (user: User, session: IssuedSession) => string | undefined>> = {
  user_id: (user) => user.id,
  email: (user) => user.email,
  name: (user) => user.name ?? user.displayName,
  preferred_username: (user) => user.username,
  role: (user) => user.roles[0] ?? 'user',
  device_id: (_, session) => session.deviceId,
};

const extraClaims = (user: User, session: IssuedSession, names: readonly ExtraClaim[]): Partial<AccessTokenClaims> => {
  const claims: Record<string, string> = {};
  for (const name of names) {
    const value = claimSources[name](user, session);
    if (value !== undefined) claims[name] = value;
  }
  return claims;
};
