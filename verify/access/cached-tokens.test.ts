import { describe, expect, it } from 'vitest';
import { createAccessTokenVerifier, type KeySet, type KeySource, type RevocationState } from '../index.ts';
import { issuerOf, mint, now, nowSeconds, outcome, rigs, verifierOf } from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

const rig = rigs.ES256;

const movingClock = (): { nowMs(): number; seconds: number } => {
  const clock = { seconds: nowSeconds, nowMs: () => clock.seconds * 1000 };
  return clock;
};

describe('a cached token', () => {
  it('is refused once it has expired, and leaves the cache', () => {
    const clock = movingClock();
    const verifier = verifierOf(rig, {}, { clock });
    const token = mint(rig);
    expect(outcome(verifier.verify(token))).toBe('ok');
    clock.seconds = nowSeconds + 840 + 29;
    expect(outcome(verifier.verify(token))).toBe('ok');
    clock.seconds += 1;
    expect(outcome(verifier.verify(token))).toBe('expired');
    expect(verifier.stats().entries).toBe(0);
    expect(outcome(verifier.verify(token))).toBe('expired');
  });

  it('is refused when the clock went back before nbf', () => {
    const clock = movingClock();
    const verifier = verifierOf(rig, {}, { clock });
    const token = mint(rig);
    expect(outcome(verifier.verify(token))).toBe('ok');
    clock.seconds = nowSeconds - 91;
    expect(outcome(verifier.verify(token))).toBe('not_yet_valid');
  });

  it('is refused from the moment of its revocation', () => {
    let state: RevocationState = 'active';
    const verifier = verifierOf(rig, {}, { isRevoked: () => state });
    const token = mint(rig);
    expect(outcome(verifier.verify(token))).toBe('ok');
    state = 'revoked';
    expect(outcome(verifier.verify(token))).toBe('revoked');
    state = 'unknown';
    expect(outcome(verifier.verify(token))).toBe('revocation_unknown');
  });

  it('survives a rotation that keeps its key, and dies with its key', () => {
    let set: KeySet = rig.source.current(0);
    const keys: KeySource = { current: () => set };
    const verifier = createAccessTokenVerifier({
      issuers: [{ ...issuerOf(rig), keys }],
      clock: { nowMs: () => nowSeconds * 1000 },
    });
    const token = mint(rig);
    expect(outcome(verifier.verify(token))).toBe('ok');
    set = { generation: 2, keys: [...set.keys, ...rigs.EdDSA.source.current(0).keys] };
    expect(outcome(verifier.verify(token))).toBe('ok');
    expect(verifier.stats().hits).toBe(1);
    set = { generation: 3, keys: rigs.EdDSA.source.current(0).keys };
    expect(outcome(verifier.verify(token))).toBe('key_unknown');
    expect(verifier.stats().entries).toBe(0);
  });

  it('lends nothing to a token that only ends like it', () => {
    const verifier = verifierOf(rig);
    const token = mint(rig);
    expect(outcome(verifier.verify(token))).toBe('ok');
    const [header, , signature] = token.split('.');
    const forged = Buffer.from(JSON.stringify({ sub: 'root' })).toString('base64url');
    expect(outcome(verifier.verify(`${header}.${forged}.${signature}`))).toBe('issuer');
    const other = mint(rig, { sub: 'root' }).split('.')[1];
    expect(outcome(verifier.verify(`${header}.${other}.${signature}`))).toBe('signature');
    expect(outcome(verifier.verify(`x${token}`))).toBe('header_json');
  });

  it('is not kept when it was refused, nor with the cache off', () => {
    const verifier = verifierOf(rig);
    now(verifier.verify(mint(rig, { aud: 'other' })));
    expect(verifier.stats().entries).toBe(0);
    const off = verifierOf(rig, {}, { cache: false });
    const token = mint(rig);
    now(off.verify(token));
    now(off.verify(token));
    expect(off.stats()).toMatchObject({ hits: 0, verified: 2, entries: 0, bytes: 0 });
  });

  it('is kept by one verifier for its own policy only', () => {
    const token = mint(rig);
    const [mine, theirs] = [verifierOf(rig), verifierOf(rig, { audience: 'other' })];
    expect(outcome(mine.verify(token))).toBe('ok');
    expect(outcome(theirs.verify(token))).toBe('audience');
  });
});

describe('is known to be able to fail', () => {
  const clock = movingClock();
  const file = 'access/verify-access-token.ts';

  it('when a hit is not judged again, a cached token outlives its expiry and its revocation', async () => {
    const change = {
      file,
      find: 'const reason = judgeNow(judged, scheme, now);',
      replace: 'const reason = undefined;',
    };
    await withSabotage([change], (broken) => {
      let state: RevocationState = 'active';
      const verifier = broken.createAccessTokenVerifier({ issuers: [issuerOf(rig)], clock, isRevoked: () => state });
      const token = mint(rig);
      expect(outcome(verifier.verify(token))).toBe('ok');
      state = 'revoked';
      clock.seconds = nowSeconds + 9999;
      expect(outcome(verifier.verify(token))).toBe('ok');
    });
  });

  it('when a hit does not ask for its key, a cached token outlives the key', async () => {
    const change = { file, find: 'if (!keySet.keys.includes(judged.key)) return false;', replace: '' };
    await withSabotage([change], (broken) => {
      clock.seconds = nowSeconds;
      let set: KeySet = rig.source.current(0);
      const issuers = [{ ...issuerOf(rig), keys: { current: () => set } }];
      const verifier = broken.createAccessTokenVerifier({ issuers, clock });
      const token = mint(rig);
      expect(outcome(verifier.verify(token))).toBe('ok');
      set = { generation: 2, keys: [] };
      expect(outcome(verifier.verify(token))).toBe('ok');
    });
  });
});
