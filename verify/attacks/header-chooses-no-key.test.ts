import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { remoteJwks } from '../index.ts';
import { goodHeader, mint, outcome, type Rig, rigs, verifierOf } from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

const rig = rigs.ES256;
const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const attacker: Rig = {
  ...rig,
  sign: (input) => sign('sha256', Buffer.from(input), { key: foreign.privateKey, dsaEncoding: 'ieee-p1363' }),
};
const jwk = foreign.publicKey.export({ format: 'jwk' });

describe('a key of the attacker', () => {
  it.each([
    ['under our kid', {}, 'signature'],
    ['under its own kid', { kid: 'attacker' }, 'key_unknown'],
    ['under a path as kid', { kid: '../../dev/null' }, 'key_unknown'],
    ['under a prototype member as kid', { kid: '__proto__' }, 'key_unknown'],
    ['without kid', { kid: undefined }, 'kid_missing'],
    ['with a number as kid', { kid: 0 }, 'header_malformed'],
    ['embedded as jwk', { jwk }, 'header_forbidden'],
    ['at a jku', { jku: 'https://attacker.example/jwks' }, 'header_forbidden'],
    ['at an x5u', { x5u: 'https://attacker.example/cert' }, 'header_forbidden'],
    ['in an x5c', { x5c: ['MIIB'] }, 'header_forbidden'],
  ])('%s is refused', (_name, header, reason) => {
    expect(outcome(verifierOf(rig).verify(mint(attacker, {}, header)))).toBe(reason);
  });

  it('is fetched from nowhere but the configured address', async () => {
    const fetched: string[] = [];
    const keys = remoteJwks({
      url: 'http://issuer.internal/jwks',
      fetch: async (input) => {
        fetched.push(new Request(input).url);
        return Response.json({ keys: [] });
      },
    });
    const verifier = verifierOf(rig, { keys });
    for (const header of [{ jku: 'https://attacker.example/' }, { kid: 'https://attacker.example/' }, { jwk }]) {
      expect(await verifier.verify(mint(attacker, {}, header))).toMatchObject({ ok: false });
    }
    expect(new Set(fetched)).toEqual(new Set(['http://issuer.internal/jwks']));
  });
});

it.each([['exp'], [], ['b64'], null, 'exp'])('crit %j is refused, whatever it names', (crit) => {
  expect(outcome(verifierOf(rig).verify(mint(rig, {}, { crit, b64: false, exp: 1 })))).toBe('header_forbidden');
});

it.each(['b64', 'zip', 'enc'])('%s in the header is refused', (name) => {
  expect(outcome(verifierOf(rig).verify(mint(rig, {}, { [name]: 'DEF' })))).toBe('header_forbidden');
});

it('is known to be able to fail: without the list of forbidden parameters crit passes', async () => {
  const change = {
    file: 'access/header.ts',
    find: "if (Object.hasOwn(header, name)) return 'header_forbidden'",
    replace: 'void name',
  };
  await withSabotage([change], (broken) => {
    const issuer = { issuer: 'auth-service', audience: 'api', algorithms: [rig.alg], keys: rig.source };
    const verifier = broken.createAccessTokenVerifier({ issuers: [issuer], clock: { nowMs: () => 1_800_000_000_000 } });
    expect(verifier.verify(mint(rig, {}, { ...goodHeader(rig), crit: ['x'] }))).toMatchObject({ ok: true });
  });
});
