import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createBearerGuard, type Guard, type GuardRequest } from '../index.ts';
import { encodeJson, es256, newProofSigner } from '../testing/proofs.ts';
import { fixedClock, mint, rigs, verifierOf } from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

const owner = newProofSigner(fixedClock.nowMs);
const thief = newProofSigner(fixedClock.nowMs);
const publicUrl = 'https://chat.example.org/api';
const url = `${publicUrl}/rooms/1`;
const verifier = verifierOf(rigs.ES256);
const bound = mint(rigs.ES256, { cnf: { jkt: owner.thumbprint } });
const unbound = mint(rigs.ES256);

const newGuard = (maxProofs = 100, make = createBearerGuard): Guard =>
  make({ verifier, publicUrl, proofs: { clock: fixedClock, maxProofs } });

const codeOf = async (guard: Guard, headers: Readonly<Record<string, string | readonly string[]>>, method = 'GET') => {
  const values: GuardRequest['values'] = (name) => [headers[name] ?? []].flat();
  const decision = await guard.check({ method, target: '/rooms/1?a=1', values });
  return decision.pass ? 'passes' : (JSON.parse(decision.answer.body) as { code: string }).code;
};
const asOwner = (proof: string | readonly string[], token = bound) => ({ authorization: `DPoP ${token}`, dpop: proof });
const prove = (claims: object = {}, header: object = {}) =>
  owner.prove('GET', url, bound, { ...claims }, { ...header });

describe('an access token that is bound to a key', () => {
  it('passes with a proof of it, once, and tells the handler which key it was', async () => {
    const guard = newGuard();
    const proof = prove();
    const values: GuardRequest['values'] = (name) => [asOwner(proof)[name as 'dpop'] ?? []].flat();
    const decision = await guard.check({ method: 'GET', target: '/rooms/1', values });
    expect(decision).toMatchObject({ pass: true, caller: { boundKeyThumbprint: owner.thumbprint } });
    expect(await codeOf(guard, asOwner(proof))).toBe('proof_replayed');
  });

  it('is refused as a bearer’s, with a proof and without', async () => {
    for (const headers of [{}, { dpop: prove() }])
      expect(await codeOf(newGuard(), { authorization: `Bearer ${bound}`, ...headers })).toBe('proof_required');
    expect(await codeOf(newGuard(), { authorization: `DPoP ${bound}` })).toBe('proof_required');
    // A verifier that is asked without a word on the scheme, which is how services have asked it all along.
    expect(verifier.verify(bound)).toMatchObject({ ok: false, code: 'proof_required' });
  });

  it('is refused altogether where nobody has said which URL the service has', async () => {
    const guard = createBearerGuard({ verifier });
    expect(await codeOf(guard, asOwner(prove()))).toBe('authorization_malformed');
    expect(await codeOf(guard, { authorization: `Bearer ${bound}` })).toBe('proof_required');
    expect(await codeOf(guard, { authorization: `Bearer ${unbound}` })).toBe('passes');
  });

  it('bound to what no proof can show is refused in every way', async () => {
    const odd = mint(rigs.ES256, { cnf: { 'x5t#S256': owner.thumbprint } });
    expect(await codeOf(newGuard(), { authorization: `Bearer ${odd}` })).toBe('proof_required');
    expect(await codeOf(newGuard(), asOwner(owner.prove('GET', url, odd), odd))).toBe('proof_invalid');
  });

  it('of which there is none needs no proof, and may not pretend to', async () => {
    const proof = owner.prove('GET', url, unbound);
    expect(await codeOf(newGuard(), { authorization: `Bearer ${unbound}`, dpop: 'nonsense' })).toBe('passes');
    expect(await codeOf(newGuard(), asOwner(proof, unbound))).toBe('proof_invalid');
  });
});

const { publicKey: ed, privateKey: edPrivate } = generateKeyPairSync('ed25519');
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });

/** A proof of any two objects, signed in any way. */
const forged = (header: object, signature: (input: string) => string): string => {
  const [, payload = ''] = prove().split('.');
  const input = `${encodeJson({ typ: 'dpop+jwt', alg: 'ES256', jwk: owner.jwk, ...header })}.${payload}`;
  return `${input}.${signature(input)}`;
};
const right = (input: string): string => es256(input, owner.privateKey);

describe.each<[string, string | readonly string[]]>([
  ['another key', thief.prove('GET', url, bound)],
  ['the right key’s name and another signature', forged({}, (input) => es256(input, thief.privateKey))],
  ['no signature', forged({}, () => '')],
  ['alg none', forged({ alg: 'none' }, () => '')],
  [
    'HS256 under the public key',
    forged({ alg: 'HS256' }, (input) =>
      createHmac('sha256', JSON.stringify(owner.jwk)).update(input).digest('base64url'),
    ),
  ],
  ['a private JWK', forged({ jwk: owner.privateKey.export({ format: 'jwk' }) }, right)],
  ['a symmetric JWK', forged({ jwk: { kty: 'oct', k: 'AAAA' } }, right)],
  [
    'a key of another curve',
    forged({ jwk: p384.publicKey.export({ format: 'jwk' }) }, (input) => es256(input, p384.privateKey)),
  ],
  [
    'a key of another kind',
    forged({ jwk: ed.export({ format: 'jwk' }), alg: 'EdDSA' }, (input) =>
      sign(null, Buffer.from(input), edPrivate).toString('base64url'),
    ),
  ],
  ['a point off the curve', forged({ jwk: { ...owner.jwk, y: owner.jwk['x'] } }, right)],
  ['no key', forged({ jwk: undefined }, right)],
  ['an extension that nobody knows', forged({ crit: ['b64'], b64: false }, right)],
  ['another type', forged({ typ: 'at+jwt' }, right)],
  ['no type', forged({ typ: undefined }, right)],
  ['another method', owner.prove('POST', url, bound)],
  ['the method in lower case', owner.prove('get', url, bound)],
  ['another URL', owner.prove('GET', `${publicUrl}/rooms/2`, bound)],
  ['another server', owner.prove('GET', 'https://evil.example/api/rooms/1', bound)],
  ['another token', owner.prove('GET', url, unbound)],
  ['no token', owner.prove('GET', url)],
  ['no jti', prove({ jti: undefined })],
  ['a jti of one character', prove({ jti: 'a' })],
  ['a jti without end', prove({ jti: 'a'.repeat(129) })],
  ['no time', prove({ iat: undefined })],
  ['a time in words', prove({ iat: '2027-01-15' })],
  ['last hour’s time', prove({ iat: Math.floor(fixedClock.nowMs() / 1000) - 3600 })],
  ['tomorrow’s time', prove({ iat: Math.floor(fixedClock.nowMs() / 1000) + 86_400 })],
  ['a proof too many', [prove(), prove()]],
  ['a proof of another spelling', `${prove()}=`],
  ['nothing', ''],
  ['nonsense without end', 'a.'.repeat(50_000)],
])('a proof with %s', (_, proof) => {
  it('is refused', async () => {
    expect(await codeOf(newGuard(), asOwner(proof))).toBe('proof_invalid');
  });
});

describe('a flood of proofs', () => {
  it('is refused beyond what is remembered, and nothing is forgotten for it', async () => {
    const guard = newGuard(24);
    const first = prove();
    const codes = await Promise.all([first, prove(), prove(), prove()].map((proof) => codeOf(guard, asOwner(proof))));
    expect(codes).toEqual(['passes', 'passes', 'passes', 'busy']);
    expect(await codeOf(guard, asOwner(first))).toBe('proof_replayed');
  });
});

describe('is known to be able to fail', () => {
  const options = {
    issuers: [{ issuer: 'auth-service', audience: 'api', algorithms: ['ES256' as const], keys: rigs.ES256.source }],
    clock: fixedClock,
  };

  it.each([
    [
      'without the binding to the key',
      "header.thumbprint !== request.thumbprint) return 'key_other'",
      "header.thumbprint === '') return 'key_other'",
      thief.prove('GET', url, bound),
    ],
    [
      'without the hash of the token',
      'ath !== tokenHash(request.accessToken)',
      'ath === null',
      owner.prove('GET', url),
    ],
  ])('%s', async (_name, find, replace, proof) => {
    await withSabotage([{ file: 'proof/check-proof.ts', find, replace }], async (broken) => {
      const theirs = broken.createAccessTokenVerifier(options);
      const make: typeof createBearerGuard = (given) => broken.createBearerGuard({ ...given, verifier: theirs });
      expect(await codeOf(newGuard(100, make), asOwner(proof))).toBe('passes');
    });
  });

  it('without the rule on schemes', async () => {
    const change = {
      file: 'access/verify-access-token.ts',
      find: 'if (judged.scheme !== scheme)',
      replace: "if (judged.scheme !== scheme && scheme === 'DPoP')",
    };
    await withSabotage([change], (broken) => {
      expect(broken.createAccessTokenVerifier(options).verify(bound)).toMatchObject({ ok: true });
    });
  });
});
