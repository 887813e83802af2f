import { expect, it } from 'vitest';
import { fixedClock, issuerOf, type Json, mint, now, nowSeconds, outcome, rigs, verifierOf } from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

const rig = rigs.RS256;
const legacy = {
  allowMissingTyp: true,
  allowMissingAudience: true,
  allowMissingJti: true,
  allowMissingSid: true,
  allowMissingKid: true,
};
/** Right issuer, right key, in time: all that an older issuer writes. */
const older = (claims: Json = {}, typ: string | undefined = 'JWT'): string =>
  mint(
    rig,
    { aud: undefined, jti: undefined, sid: undefined, uep: undefined, client_id: undefined, nbf: undefined, ...claims },
    { typ, kid: undefined },
  );
const verify = (token: string): string => outcome(verifierOf(rig, { legacy }).verify(token));

/** Each as real issuers write it, with nothing in the header that would tell. */
const others: readonly [string, Json][] = [
  ['a refresh token (SimpleJWT)', { token_type: 'refresh' }],
  ['a refresh token (Flask-JWT-Extended)', { type: 'refresh' }],
  ['a refresh token (Keycloak)', { typ: 'Refresh' }],
  ['an offline token (Keycloak)', { typ: 'Offline' }],
  ['a refresh token by its long name', { type: 'refresh_token' }],
  ['a refresh token in one word', { type: 'RefreshToken' }],
  ['a refresh token as Java and JavaScript write the name', { tokenType: 'REFRESH' }],
  ['an ID token as they write the other one', { tokenUse: 'id' }],
  ['a refresh token (Spring Security OAuth), by the access token that it belongs to', { ati: 'f3a0c2' }],
  ['a refresh token that says so with yes', { refresh: true }],
  ['a refresh token that asks the question', { isRefreshToken: true }],
  ['a refresh token in a list of one', { type: ['refresh'] }],
  ['an ID token (Cognito)', { token_use: 'id' }],
  ['an ID token (Keycloak)', { typ: 'ID' }],
  ['an ID token (OpenID Connect), by its nonce', { nonce: 'n-0S6_WzA2Mj' }],
  ['an ID token, by the hash of its access token', { at_hash: 'MTIzNDU2Nzg5MDEyMzQ1Ng' }],
  ['an ID token, by the hash of its code', { c_hash: 'MTIzNDU2Nzg5MDEyMzQ1Ng' }],
  ['a logout token', { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }],
  ['a logout token that calls itself access', { typ: 'Bearer', events: {} }],
  ['a token of two minds', { token_use: 'access', token_type: 'refresh' }],
  ['a token of a kind that nobody knows', { token_use: 'password_reset' }],
  ['a kind that is no text', { token_type: ['access'] }],
  ['an assertion', { type: 'assertion' }],
  ['a token that resets a password', { purpose: 'password-reset' }],
  ['a token that confirms an e-mail', { use: 'email_verification' }],
  ['a token of a first factor', { kind: 'MFA token' }],
];

it.each(others)('%s is refused, whether its header says JWT or nothing', (_name, claims) => {
  expect(verify(older(claims))).toBe('type');
  expect(verify(older(claims, undefined))).toBe('type');
});

it.each([
  ['says nothing of its kind', {}],
  ['is a bearer token (Keycloak), with the nonce that it has there', { typ: 'Bearer', nonce: 'n-0S6_WzA2Mj' }],
  ['is an access token (Cognito)', { token_use: 'access' }],
  ['is an access token (SimpleJWT)', { token_type: 'access' }],
  [
    'says in camel case that it is one',
    { tokenType: 'Access', tokenUse: 'api', refresh: false, isRefreshToken: false },
  ],
  ['says what kind of user it speaks of', { type: 'employee', kind: 'person', use: 'sig' }],
] as const)('one that %s passes', (_name, claims) => {
  expect(verify(older(claims))).toBe('ok');
});

it.each([
  'rt+jwt',
  'refresh+jwt',
  'id+jwt',
  'logout+jwt',
  'secevent+jwt',
  'gw-assertion+jwt',
  'dpop+jwt',
  'at+jwtx',
  '',
])('typ %j stays refused', (typ) => expect(verify(older({}, typ))).toBe('type'));

it('names its user by user_id, else by sub, and is revoked under that name', () => {
  const asked: unknown[] = [];
  const isRevoked = ({ sub }: { readonly sub: string }) => {
    asked.push(sub);
    return 'active' as const;
  };
  const verifier = verifierOf(rig, { legacy }, { isRevoked });
  const userOf = (claims: Json) => {
    const result = now(verifier.verify(older(claims)));
    return result.ok ? result.token.claims.sub : result.reason;
  };
  expect(userOf({ sub: 'ann@example.com', user_id: '17' })).toBe('17');
  expect(userOf({ sub: undefined, user_id: 17 })).toBe('17');
  expect(userOf({ sub: 'ann', user_id: undefined })).toBe('ann');
  expect(userOf({ sub: 'ann', user_id: 1.5 })).toBe('claim_malformed');
  expect(userOf({ sub: 'ann', user_id: '17\r\nX-Roles: admin' })).toBe('claim_malformed');
  expect(asked).toEqual(['17', '17', 'ann']);
});

it('an issuer without that allowance is asked for at+jwt as before, and believed whatever else the payload holds', () => {
  expect(outcome(verifierOf(rig).verify(mint(rig, { token_type: 'refresh', nonce: 'n' })))).toBe('ok');
  expect(outcome(verifierOf(rig).verify(mint(rig, {}, { typ: 'JWT' })))).toBe('type');
});

it('is known to be able to fail: without the look at the payload a refresh token is an access token', async () => {
  const change = {
    file: 'access/verify-access-token.ts',
    find: '&& isOtherType(',
    replace: '&& false && isOtherType(',
  };
  await withSabotage([change], (broken) => {
    const issuers = [{ ...issuerOf(rig), legacy }];
    const verifier = broken.createAccessTokenVerifier({ issuers, clock: fixedClock });
    expect(verifier.verify(older({ token_type: 'refresh', exp: nowSeconds + 3600 }))).toMatchObject({ ok: true });
  });
});
