import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { assertionKey, createAccessTokenVerifier, createAssertionSigner, sharedSecrets } from '../index.ts';
import { fixedClock, goodClaims, issuerOf, mint, nowSeconds, outcome, rigs, verifierOf } from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

const rig = rigs.HS256;
const key = assertionKey(randomBytes(32), 'payment');
const assertion = createAssertionSigner({ kid: 'g1', key }).sign({
  ver: 1,
  iss: 'auth-service',
  aud: 'api',
  iat: nowSeconds,
  exp: nowSeconds + 30,
  jti: '0192f0c1-2b3c-7d4e-8f50-665544332211',
  sub: 'u',
  sid: 's',
  cip: '127.0.0.1',
  mth: 'GET',
  pth: 'x',
});
/** The worst case: the verifier of access tokens holds the very key that signed the assertion. */
const issuerWithAssertionKey = {
  ...issuerOf(rig),
  keys: sharedSecrets([{ kid: 'g1', secret: key }]),
};

it('an assertion presented as access token is refused, even with the key that signed it', () => {
  const verifier = createAccessTokenVerifier({ issuers: [issuerWithAssertionKey], clock: fixedClock });
  expect(outcome(verifier.verify(assertion))).toBe('type');
  const legacy = { allowMissingTyp: true, allowMissingJti: true, allowMissingSid: true };
  const lenient = createAccessTokenVerifier({ issuers: [{ ...issuerWithAssertionKey, legacy }], clock: fixedClock });
  expect(outcome(lenient.verify(assertion))).toBe('type');
});

it('refresh and CSRF tokens presented as access token are refused', () => {
  for (const bytes of [55, 32]) {
    expect(outcome(verifierOf(rig).verify(randomBytes(bytes).toString('base64url')))).toBe('malformed');
    expect(outcome(verifierOf(rig).verify(randomBytes(bytes).toString('base64')))).toBe('malformed');
  }
});

it.each([
  undefined,
  '',
  'JWT',
  'rt+jwt',
  'gw-assertion+jwt',
  'logout+jwt',
  'dpop+jwt',
  'at+jwt ',
  'xat+jwt',
  'application/application/at+jwt',
  'text/at+jwt',
])('typ %j is refused', (typ) => {
  expect(outcome(verifierOf(rig).verify(mint(rig, {}, { typ })))).toBe('type');
});

it.each([7, null, ['at+jwt'], { a: 1 }, true])('typ %j, not a string, is refused', (typ) => {
  expect(outcome(verifierOf(rig).verify(mint(rig, {}, { typ })))).toBe('header_malformed');
});

it.each([undefined, '', 'Auth-Service', 'auth-service ', 'other', ['auth-service'], null, 7, { a: 1 }])(
  'iss %j is refused',
  (iss) => {
    expect(outcome(verifierOf(rig).verify(mint(rig, { iss })))).toBe('issuer');
  },
);

it.each([undefined, null, '', 'API', 'api ', ['other'], [], [['api']], { api: 1 }, 7, true])(
  'aud %j is refused',
  (aud) => {
    expect(outcome(verifierOf(rig).verify(mint(rig, { aud })))).toMatch(/^(audience|claim_missing|claim_malformed)$/);
  },
);

it('one issuer cannot speak for another: the key has to belong to the issuer that the token names', () => {
  const other = { ...issuerOf(rigs.EdDSA), issuer: 'other' };
  const verifier = createAccessTokenVerifier({
    issuers: [issuerOf(rig), { ...other, idScope: 'other' }],
    clock: fixedClock,
  });
  expect(outcome(verifier.verify(mint(rigs.EdDSA, { iss: 'other' })))).toBe('ok');
  expect(outcome(verifier.verify(mint(rigs.EdDSA)))).toBe('algorithm');
  expect(outcome(verifier.verify(mint(rig, { iss: 'other' })))).toBe('algorithm');
});

it('is known to be able to fail: without the check of typ the assertion passes', async () => {
  const change = {
    file: 'access/verify-access-token.ts',
    find: 'if (!isAccessTokenType(',
    replace: 'if (false && !isAccessTokenType(',
  };
  await withSabotage([change], (broken) => {
    const verifier = broken.createAccessTokenVerifier({ issuers: [issuerWithAssertionKey], clock: fixedClock });
    expect(verifier.verify(assertion)).toMatchObject({ ok: true });
    expect(goodClaims['iss']).toBe('auth-service');
  });
});
