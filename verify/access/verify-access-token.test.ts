import { signatureAlgorithms } from '@sallyport/contract';
import { describe, expect, it } from 'vitest';
import { createAccessTokenVerifier, type RevocationState } from '../index.ts';
import { fixedClock, goodClaims, issuerOf, mint, now, nowSeconds, outcome, rigs, verifierOf } from '../testing/rig.ts';

const rig = rigs.ES256;

describe('access token', () => {
  it.each(signatureAlgorithms)('passes with %s, claims as they were signed', (alg) => {
    const result = now(verifierOf(rigs[alg]).verify(mint(rigs[alg])));
    expect(result).toMatchObject({
      ok: true,
      token: { alg, kid: rigs[alg].kid, expiresAtMs: (nowSeconds + 840) * 1000 },
    });
    expect(result.ok && result.token.claims).toEqual(goodClaims);
  });

  it('gives frozen claims, one object for one token', () => {
    const verifier = verifierOf(rig);
    const token = mint(rig, { cnf: { jkt: 'x' } });
    const [first, second] = [now(verifier.verify(token, 'DPoP')), now(verifier.verify(token, 'DPoP'))];
    expect(first.ok && second.ok && first.token === second.token).toBe(true);
    expect(first.ok && Object.isFrozen(first.token.claims)).toBe(true);
    expect(first.ok && Object.isFrozen(first.token.claims.roles) && Object.isFrozen(first.token.claims.cnf)).toBe(true);
    expect(verifier.stats()).toMatchObject({ hits: 1, verified: 1, refused: 0, entries: 1 });
  });

  it.each(['at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/At+Jwt'])('passes with typ %s', (typ) => {
    expect(outcome(verifierOf(rig).verify(mint(rig, {}, { typ })))).toBe('ok');
  });

  it.each([
    ['exp at the leeway', { exp: nowSeconds - 29 }, 'ok'],
    ['exp past the leeway', { exp: nowSeconds - 30 }, 'expired'],
    ['nbf at the leeway', { nbf: nowSeconds + 30 }, 'ok'],
    ['nbf past the leeway', { nbf: nowSeconds + 31 }, 'not_yet_valid'],
    ['iat past the leeway', { iat: nowSeconds + 31 }, 'not_yet_valid'],
    ['a list of audiences', { aud: ['other', 'api'] }, 'ok'],
    ['another audience', { aud: ['other'] }, 'audience'],
    ['no audience', { aud: undefined }, 'claim_missing'],
    ['an empty list of audiences', { aud: [] }, 'audience'],
    ['no jti', { jti: undefined }, 'claim_missing'],
    ['no sid', { sid: undefined }, 'claim_missing'],
    ['no sub', { sub: undefined, user_id: 'u' }, 'claim_missing'],
    ['no exp', { exp: undefined }, 'claim_missing'],
    ['no iat', { iat: undefined }, 'claim_missing'],
    ['two users', { user_id: 'somebody else' }, 'claim_conflict'],
    ['one user twice', { user_id: goodClaims['sub'] }, 'ok'],
    ['an unknown issuer', { iss: 'auth-service/' }, 'issuer'],
    ['a list of issuers', { iss: ['auth-service'] }, 'issuer'],
  ])('%s', (_name, claims, expected) => {
    expect(outcome(verifierOf(rig).verify(mint(rig, claims)))).toBe(expected);
  });

  it.each(['sub', 'email', 'name', 'sid', 'jti', 'device_id'])('is refused with a control character in %s', (claim) => {
    for (const bad of ['a\r\nX-User-Id: root', 'a\u0000', 'a\u007f', 'a\u0085', 'a\ud800']) {
      expect(outcome(verifierOf(rig).verify(mint(rig, { [claim]: bad })))).toBe('claim_malformed');
    }
    expect(outcome(verifierOf(rig).verify(mint(rig, { [claim]: { toString: 'x' } })))).toBe('claim_malformed');
  });

  it.each(['roles', 'permissions'])('is refused with a separator or control character in an item of %s', (claim) => {
    for (const bad of [['a,b'], ['a b'], ['a\u00a0b'], ['a\u0001'], [1], [['a']], { a: 1 }, 7, 'a\u0001']) {
      expect(outcome(verifierOf(rig).verify(mint(rig, { [claim]: bad })))).toBe('claim_malformed');
    }
  });

  it('gives one list for array and string', () => {
    for (const roles of ['user, admin', 'user admin,,user ', ['user', '', 'admin', 'user']]) {
      const result = now(verifierOf(rig).verify(mint(rig, { roles })));
      expect(result.ok && result.token.claims.roles).toEqual(['user', 'admin']);
    }
  });

  it('of an older issuer passes only with what is allowed to be missing', () => {
    const claims = { sub: undefined, user_id: '17', aud: undefined, jti: undefined, sid: undefined };
    const token = mint(rig, claims, { typ: 'JWT', kid: undefined });
    const legacy = {
      allowMissingTyp: true,
      allowMissingAudience: true,
      allowMissingJti: true,
      allowMissingSid: true,
      allowMissingKid: true,
    };
    const result = now(verifierOf(rig, { legacy }).verify(token));
    expect(result.ok && result.token.claims.sub).toBe('17');
    expect(result.ok && result.token.kid).toBe(rig.kid);
    for (const name of Object.keys(legacy)) {
      expect(outcome(verifierOf(rig, { legacy: { ...legacy, [name]: false } }).verify(token))).not.toBe('ok');
    }
    for (const typ of ['rt+jwt', 'gw-assertion+jwt', 'logout+jwt', 'id+jwt', '']) {
      expect(outcome(verifierOf(rig, { legacy }).verify(mint(rig, claims, { typ })))).toBe('type');
    }
  });

  it.each([
    ['active', 'ok'],
    ['revoked', 'token_revoked'],
    ['stale', 'token_stale'],
    ['unknown', 'revocation_unavailable'],
  ] as const)('whose revocation is %s: %s', (state, expected) => {
    const asked: unknown[] = [];
    const isRevoked = (subject: unknown): RevocationState => {
      asked.push(subject);
      return state;
    };
    const result = now(verifierOf(rig, {}, { isRevoked }).verify(mint(rig)));
    expect(result.ok ? 'ok' : result.code).toBe(expected);
    const { iss, sub, sid, uep, iat } = goodClaims;
    expect(asked).toEqual([{ iss, sub, sid, uep, iat, kid: rig.kid }]);
  });
});

describe('settings', () => {
  const issuers = [issuerOf(rig)];
  it.each([
    ['no issuer', { issuers: [] }],
    ['an issuer twice', { issuers: [...issuers, ...issuers] }],
    ['a misspelt option', { issuers, leeway: 30 }],
    ['a misspelt allowance', { issuers: [{ ...issuerOf(rig), legacy: { allowMissingType: true } }] }],
    ['no algorithms', { issuers: [{ ...issuerOf(rig), algorithms: [] }] }],
    ['an algorithm we do not serve', { issuers: [{ ...issuerOf(rig), algorithms: ['none'] }] }],
    ['no audience', { issuers: [{ ...issuerOf(rig), audience: undefined }] }],
    ['a broken leeway', { issuers, leewaySeconds: 0.5 }],
    ['an endless leeway', { issuers, leewaySeconds: Number.POSITIVE_INFINITY }],
  ])('with %s are refused', (_name, options) => {
    expect(() => createAccessTokenVerifier(options as never)).toThrow(TypeError);
  });

  it('without audience refuse tokens that name one', () => {
    const issuer = {
      issuer: 'auth-service',
      algorithms: [rig.alg],
      keys: rig.source,
      legacy: { allowMissingAudience: true },
    };
    const verifier = createAccessTokenVerifier({ issuers: [issuer], clock: fixedClock });
    expect(outcome(verifier.verify(mint(rig, { aud: undefined })))).toBe('ok');
    expect(outcome(verifier.verify(mint(rig)))).toBe('audience');
  });
});
