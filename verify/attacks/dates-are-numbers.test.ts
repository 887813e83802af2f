import { describe, expect, it } from 'vitest';
import { forgeText, goodClaims, goodHeader, nowSeconds, outcome, rigs, verifierOf } from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

const rig = rigs.ES256;
const header = JSON.stringify(goodHeader(rig));
/** JSON text, because 1e999 and -0 do not survive JSON.stringify. */
const withDate = (claim: string, text: string): string =>
  forgeText(rig, header, JSON.stringify(goodClaims).replace(new RegExp(`"${claim}":\\d+`), `"${claim}":${text}`));

describe.each(['exp', 'iat', 'nbf', 'auth_time'])('%s', (claim) => {
  it.each([
    `"${nowSeconds + 60}"`,
    '""',
    '"Infinity"',
    '1e999',
    '-1e999',
    'null',
    'true',
    'false',
    '-1',
    '-1800000000',
    '1e300',
    `[${nowSeconds}]`,
    '{}',
  ])('as %s is refused', (text) => {
    expect(outcome(verifierOf(rig).verify(withDate(claim, text)))).toMatch(/^claim_(malformed|missing)$/);
  });

  it.each(['NaN', 'Infinity', '0x7fffffff', '01800000060', '+1800000060', '1_800'])('as %s is not JSON', (text) => {
    expect(outcome(verifierOf(rig).verify(withDate(claim, text)))).toBe('payload_json');
  });
});

it('is known to be able to fail: without the check of form a token expires at "never"', async () => {
  const change = { file: 'access/claims.ts', find: "if (!formed) return 'claim_malformed'", replace: 'void formed' };
  await withSabotage([change], (broken) => {
    const issuer = { issuer: 'auth-service', audience: 'api', algorithms: [rig.alg], keys: rig.source };
    const verifier = broken.createAccessTokenVerifier({ issuers: [issuer], clock: { nowMs: () => nowSeconds * 1000 } });
    expect(verifier.verify(withDate('exp', '"never"'))).toMatchObject({ ok: true });
  });
});
