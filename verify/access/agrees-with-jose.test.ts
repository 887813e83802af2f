import { type SignatureAlgorithm, signatureAlgorithms } from '@sallyport/contract';
import fc from 'fast-check';
import { jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import {
  fixedClock,
  forgeText,
  goodClaims,
  goodHeader,
  type Json,
  mint,
  now,
  nowSeconds,
  type Rig,
  rigs,
  verifierOf,
} from '../testing/rig.ts';
import { normaliseList } from './lists.ts';
import { stricterThanJose } from './stricter-than-jose.ts';

const joseVerify = async (rig: Rig, token: string): Promise<Json | undefined> => {
  try {
    const { payload } = await jwtVerify(
      token,
      ({ kid }) => {
        if (kid !== undefined && kid !== rig.kid) throw new Error('unknown kid');
        return rig.key;
      },
      {
        issuer: 'auth-service',
        audience: 'api',
        algorithms: [rig.alg],
        typ: 'at+jwt',
        requiredClaims: ['exp', 'iat', 'sub', 'jti', 'sid'],
        clockTolerance: 30,
        currentDate: new Date(fixedClock.nowMs()),
      },
    );
    return payload;
  } catch {
    return undefined;
  }
};

/** What jose returned, with the one thing changed that we document: lists. */
const normalised = (claims: Json): Json => {
  const lists = ['roles', 'permissions'].filter((name) => claims[name] !== undefined);
  return { ...claims, ...Object.fromEntries(lists.map((name) => [name, normaliseList(claims[name])])) };
};

const json = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(
    1e308,
    -1,
    0.5,
    nowSeconds + 0.5,
    nowSeconds + 30,
    nowSeconds + 31,
    nowSeconds - 30,
    nowSeconds - 29,
    '',
    'api',
    'a\nb',
    'a,b',
  ),
  fc.constantFrom(
    ['api'],
    ['other', 'api'],
    [],
    null,
    true,
    'at+jwt',
    'AT+JWT',
    'application/at+jwt',
    'JWT',
    String(nowSeconds + 60),
  ),
  fc.constantFrom(...signatureAlgorithms, 'none', 'None', 'rs256', 'HS512'),
);
const members = (names: readonly string[]): fc.Arbitrary<Json> =>
  fc.dictionary(fc.constantFrom(...names), fc.option(json, { nil: undefined, freq: 6 }), { maxKeys: 3 });
const claimChanges = members([
  ...Object.keys(goodClaims),
  'user_id',
  'device_id',
  'cnf',
  'scope',
  'acr',
  'role',
  '__proto__',
]);
const headerChanges = members(['alg', 'typ', 'kid', 'crit', 'b64', 'zip', 'jku', 'jwk', 'x5c', 'x5u', 'cty', 'x5t']);

/** Changes after signing: what travels is what was signed, but for one spot. */
const damage = fc.oneof(
  { weight: 4, arbitrary: fc.constant((token: string) => token) },
  fc.tuple(fc.nat(), fc.constantFrom('', 'A', '.', '=', '-', ' ', '\n', '+', 'é')).map(
    ([at, text]) =>
      (token: string) =>
        `${token.slice(0, at % (token.length + 1))}${text}${token.slice((at % (token.length + 1)) + 1)}`,
  ),
  fc.constantFrom('=', ' ', '\n', '.', '.x', 'A', '\u0000').map((end) => (token: string) => token + end),
);
/** Changes before signing that JSON.stringify cannot write. */
const spelling = fc.constantFrom(
  (text: string) => text,
  (text: string) => text,
  (text: string) => ` ${text}\n`,
  (text: string) => text.replace('"iat":', '"iat":0,"iat":'),
  (text: string) => text.replace('"alg":', '"alg":"none","alg":'),
  (text: string) => text.replace(/"exp":\d+/, '"exp":1e999'),
  (text: string) => text.replace('"sub":', '"\\u0073ub":'),
  (text: string) => `\ufeff${text}`,
);

const reasons = new Set<string>(stricterThanJose.map(({ reason }) => reason));

const compare = async (rig: Rig, token: string): Promise<string> => {
  const ours = now(verifierOf(rig, {}, { cache: false }).verify(token));
  const theirs = await joseVerify(rig, token);
  if (ours.ok) {
    expect(theirs, 'accepted by us alone').toBeDefined();
    expect(ours.token.claims).toEqual(normalised(theirs ?? {}));
    return 'both';
  }
  if (theirs) expect(reasons, `refused by us alone: ${ours.reason}`).toContain(ours.reason);
  return theirs ? 'jose alone' : 'none';
};

describe('the fast path', () => {
  it.each(signatureAlgorithms)(
    'accepts only what jose accepts, with equal claims (%s)',
    async (alg: SignatureAlgorithm) => {
      const rig = rigs[alg];
      const seen: Record<string, number> = {};
      await fc.assert(
        fc.asyncProperty(
          claimChanges,
          headerChanges,
          spelling,
          spelling,
          damage,
          async (claims, header, spellHeader, spell, spoil) => {
            const head = spellHeader(JSON.stringify({ ...goodHeader(rig), ...header }));
            const token = spoil(forgeText(rig, head, spell(JSON.stringify({ ...goodClaims, ...claims }))));
            const result = await compare(rig, token);
            seen[result] = (seen[result] ?? 0) + 1;
          },
        ),
        { numRuns: 300 },
      );
      // The comparison is worth something only where all three outcomes come up.
      expect(seen).toMatchObject({
        both: expect.any(Number),
        'jose alone': expect.any(Number),
        none: expect.any(Number),
      });
    },
  );

  it('refuses beyond jose exactly what the list names', async () => {
    const rig = rigs.EdDSA;
    const good = JSON.stringify(goodClaims);
    const head = JSON.stringify(goodHeader(rig));
    // Of the last character of 64 bytes four bits are free, and zero in the canonical spelling.
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const loose = mint(rig).replace(/.$/, (end) => alphabet.charAt(alphabet.indexOf(end) + 1));
    const examples: Record<string, string> = {
      'non-canonical base64url': loose,
      'duplicate header members': forgeText(rig, head.replace('{', '{"alg":"none",'), good),
      'duplicate claims': forgeText(rig, head, good.replace('{', '{"sub":"root",')),
      'deep nesting': mint(rig, { x: JSON.parse('['.repeat(20) + ']'.repeat(20)) }),
      'over the size limit': mint(rig, { x: 'x'.repeat(9000) }),
      'jku, jwk, x5u, x5c, zip, enc, b64 in the header': mint(rig, {}, { jku: 'https://attacker.example/' }),
      'empty or non-string kid': forgeText({ ...rig, kid: '' }, JSON.stringify({ ...goodHeader(rig), kid: '' }), good),
      'no kid': mint(rig, {}, { kid: undefined }),
      'claims of the wrong type': mint(rig, { sub: 7 }),
      'control characters in names': mint(rig, { name: 'a\nb' }),
      'dates before 1970 or after 9999': mint(rig, { exp: 1e15 }),
      'user_id other than sub': mint(rig, { user_id: 'root' }),
      'bound to a key, as a bearer token': mint(rig, { cnf: {} }),
      'iat in the future': mint(rig, { iat: nowSeconds + 600 }),
    };
    expect(Object.keys(examples)).toEqual(stricterThanJose.map(({ name }) => name));
    for (const { name, reason } of stricterThanJose) {
      const token = examples[name] ?? '';
      expect(now(verifierOf(rig).verify(token)), name).toMatchObject({ ok: false, reason });
      const lenient = name === 'empty or non-string kid' ? { ...rig, kid: '' } : rig;
      expect(await joseVerify(lenient, token), name).toBeDefined();
    }
  });
});
