import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type AccessTokenVerifier,
  createAccessTokenVerifier,
  type KeySet,
  type KeySource,
  type RevocationFeed,
  type RevocationSubject,
  remoteJwks,
  revocationFeeds,
  staticJwks,
} from '../index.ts';
import { fixedClock, goodClaims, type Json, mint, now, outcome, type Rig, rigs } from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

const own: Rig = rigs.ES256;

/** Another issuer's key under the very same kid. */
const partnerPair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwksOf = (key: KeyObject, kid: string): object => ({
  keys: [{ ...key.export({ format: 'jwk' }), kid, alg: 'ES256' }],
});
const partner: Rig = {
  ...own,
  key: partnerPair.publicKey,
  source: staticJwks(jwksOf(partnerPair.publicKey, own.kid)),
  sign: (input) => sign('sha256', Buffer.from(input), { key: partnerPair.privateKey, dsaEncoding: 'ieee-p1363' }),
};

const ownIssuer = { issuer: 'auth-service', audience: 'api', algorithms: ['ES256'] as const, keys: own.source };
const partnerIssuer = {
  issuer: 'https://partner.example',
  audience: 'api',
  algorithms: ['ES256'] as const,
  keys: partner.source,
  idScope: 'partner',
};

const verifierOf = (
  isRevoked?: (subject: RevocationSubject) => 'active' | 'revoked' | 'stale' | 'unknown',
  make = createAccessTokenVerifier,
): AccessTokenVerifier =>
  make({ issuers: [ownIssuer, partnerIssuer], clock: fixedClock, ...(isRevoked && { isRevoked }) });

const byPartner = (claims: Json = {}): string => mint(partner, { iss: partnerIssuer.issuer, ...claims });
const subOf = (verifier: AccessTokenVerifier, token: string): string => {
  const verification = now(verifier.verify(token));
  return verification.ok ? verification.token.claims.sub : verification.reason;
};

describe('of two issuers', () => {
  it('each has its own tokens verified', () => {
    expect(outcome(verifierOf().verify(mint(own)))).toBe('ok');
    expect(outcome(verifierOf().verify(byPartner()))).toBe('ok');
  });

  it.each([
    ["the other's key under an equal kid, in the own issuer's name", () => mint(partner)],
    ["the own key in the other's name", () => mint(own, { iss: partnerIssuer.issuer })],
  ])('%s signs nothing', (_name, forge) => {
    expect(outcome(verifierOf().verify(forge()))).toBe('signature');
  });

  it("one cannot name the other's users, sessions and devices", () => {
    const verification = now(verifierOf().verify(byPartner({ device_id: 'd1', user_id: goodClaims['sub'] })));
    if (!verification.ok) throw new Error(verification.reason);
    const { claims, subject } = verification.token;
    expect(claims).toMatchObject({
      iss: partnerIssuer.issuer,
      sub: `partner|${goodClaims['sub']}`,
      user_id: `partner|${goodClaims['sub']}`,
      sid: `partner|${goodClaims['sid']}`,
      device_id: 'partner|d1',
    });
    // Its own feed knows its own spelling.
    expect(subject).toMatchObject({ iss: partnerIssuer.issuer, sub: goodClaims['sub'], sid: goodClaims['sid'] });
    expect(Object.isFrozen(claims)).toBe(true);
  });

  it('nobody is taken for the user of another by an id that looks like his', () => {
    for (const change of [{ sub: 'partner|42' }, { sid: 'partner|42' }, { device_id: 'x|y' }]) {
      expect(outcome(verifierOf().verify(mint(own, change))), JSON.stringify(change)).toBe('claim_malformed');
    }
    // The first separator ends the scope, and no scope holds one.
    expect(subOf(verifierOf(), byPartner({ sub: 'other|42' }))).toBe('partner|other|42');
    const alone = createAccessTokenVerifier({ issuers: [ownIssuer], clock: fixedClock });
    expect(subOf(alone, mint(own, { sub: 'a|b' }))).toBe('a|b');
  });

  it("a cached token ends with its own issuer's key, whatever the other holds under that kid", () => {
    let set: KeySet = partner.source.current(0);
    const keys: KeySource = { current: () => set };
    const issuers = [ownIssuer, { ...partnerIssuer, keys }];
    const verifier = createAccessTokenVerifier({ issuers, clock: fixedClock });
    const token = byPartner();
    expect([outcome(verifier.verify(token)), outcome(verifier.verify(token))]).toEqual(['ok', 'ok']);
    expect(verifier.stats().hits).toBe(1);
    set = { generation: 2, keys: own.source.current(0).keys };
    expect(outcome(verifier.verify(token))).toBe('signature');
  });

  it("an unknown kid asks the token's own issuer alone", async () => {
    const fetched: string[] = [];
    const remote = (host: string, rig: Rig) =>
      remoteJwks({
        url: `http://${host}.example/jwks`,
        clock: fixedClock,
        fetch: async (input) => {
          fetched.push(new URL(new Request(input).url).host);
          return Response.json(jwksOf(rig.key, rig.kid));
        },
      });
    const issuers = [
      { ...ownIssuer, keys: remote('own', own) },
      { ...partnerIssuer, keys: remote('partner', partner) },
    ];
    const verifier = createAccessTokenVerifier({ issuers, clock: fixedClock });
    for (let count = 0; count < 20; count += 1) {
      await verifier.verify(mint(partner, { iss: partnerIssuer.issuer }, { kid: `k${count}` }));
    }
    expect(fetched).toEqual(['partner.example']);
    expect(await verifier.verify(mint(own))).toMatchObject({ ok: true });
    expect(fetched).toEqual(['partner.example', 'own.example']);
  });

  it.each([
    ['two without scope', [ownIssuer, { ...partnerIssuer, idScope: undefined }]],
    ['two with one scope', [partnerIssuer, { ...partnerIssuer, issuer: 'third' }]],
    ['a scope with the separator', [ownIssuer, { ...partnerIssuer, idScope: 'a|b' }]],
    ['an empty scope', [ownIssuer, { ...partnerIssuer, idScope: '' }]],
  ])('%s are refused', (_name, issuers) => {
    expect(() => createAccessTokenVerifier({ issuers })).toThrow(/idScope/);
  });
});

describe('feeds of two issuers', () => {
  const feedOf = (issuer: string, sid: string, ready = true): RevocationFeed => ({
    issuer,
    isReady: () => ready,
    isRevoked: (subject) => {
      if (subject.iss !== issuer) throw new Error('asked about another issuer');
      if (subject.sid === sid) return 'revoked';
      return ready ? 'active' : 'unknown';
    },
    stats: () => ({ entries: 1, connects: 1, failures: 2, ageSeconds: ready ? 0.5 : 7, lastFailure: undefined }),
    close: async () => undefined,
  });
  const sid = String(goodClaims['sid']);

  it("end their own issuer's sessions, also where both have one of that name", () => {
    const feeds = revocationFeeds([feedOf('auth-service', sid), feedOf(partnerIssuer.issuer, 'another')]);
    const verifier = verifierOf((subject) => feeds.isRevoked(subject));
    expect(outcome(verifier.verify(mint(own)))).toBe('revoked');
    expect(outcome(verifier.verify(byPartner()))).toBe('ok');
  });

  it('that are silent keep the tokens of their own issuer out', () => {
    const feeds = revocationFeeds([feedOf('auth-service', 'x'), feedOf(partnerIssuer.issuer, 'x', false)]);
    const verifier = verifierOf((subject) => feeds.isRevoked(subject));
    expect(outcome(verifier.verify(mint(own)))).toBe('ok');
    expect(outcome(verifier.verify(byPartner()))).toBe('revocation_unknown');
    expect(feeds.isReady()).toBe(false);
    expect(feeds.stats()).toMatchObject({ entries: 2, failures: 4, ageSeconds: 7 });
  });

  it('of one issuer twice, or none, are refused', () => {
    expect(() => revocationFeeds([])).toThrow('empty');
    expect(() => revocationFeeds([feedOf('a', 'x'), feedOf('a', 'y')])).toThrow('twice');
  });
});

it("is known to be able to fail: without scopes the partner's token is the own user's", async () => {
  const change = {
    file: 'access/verify-access-token.ts',
    find: 'idScope === undefined ? checked : scopedClaims(checked, idScope)',
    replace: 'checked',
  };
  await withSabotage([change], (broken) => {
    const verifier = verifierOf(undefined, broken.createAccessTokenVerifier);
    expect(subOf(verifier, byPartner())).toBe(goodClaims['sub']);
  });
});
