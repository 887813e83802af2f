import { expect, it } from 'vitest';
import { encode, goodClaims, goodHeader, mint, outcome, rigs, verifierOf } from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

const unsigned = (alg: unknown, signature = ''): string =>
  `${encode(JSON.stringify({ ...goodHeader(rigs.RS256), alg }))}.${encode(JSON.stringify(goodClaims))}.${signature}`;

it.each([
  'none',
  'None',
  'NONE',
  'nOnE',
  ' none',
  'none\u0000',
  '',
  null,
  0,
  false,
  ['RS256'],
  { RS256: 1 },
  undefined,
  'rs256',
])('alg %j is refused, with an empty signature and with a right one', (alg) => {
  expect(outcome(verifierOf(rigs.RS256).verify(unsigned(alg)))).toBe('algorithm');
  expect(outcome(verifierOf(rigs.RS256).verify(mint(rigs.RS256, {}, { alg })))).toBe('algorithm');
});

it.each(Object.values(rigs))('an empty signature is refused for $alg', (rig) => {
  expect(outcome(verifierOf(rig).verify(unsigned(rig.alg).replace(encode(rigs.RS256.kid), encode(rig.kid))))).not.toBe(
    'ok',
  );
  expect(outcome(verifierOf(rig).verify(mint(rig).replace(/[^.]*$/, '')))).toBe('signature');
});

it('is known to be able to fail: without the signature check an unsigned token passes', async () => {
  const change = {
    file: 'access/verify-access-token.ts',
    find: 'if (verifySignature(',
    replace: 'if (true || verifySignature(',
  };
  await withSabotage([change], (broken) => {
    const issuer = { issuer: 'auth-service', audience: 'api', algorithms: ['RS256' as const], keys: rigs.RS256.source };
    const verifier = broken.createAccessTokenVerifier({ issuers: [issuer], clock: { nowMs: () => 1_800_000_000_000 } });
    expect(verifier.verify(unsigned('RS256'))).toMatchObject({ ok: true });
  });
});
