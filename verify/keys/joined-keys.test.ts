import { describe, expect, it } from 'vitest';
import { createAccessTokenVerifier, joinedKeys, type KeySet, type KeySource } from '../index.ts';
import { fixedClock, issuerOf, mint, outcome, rigs } from '../testing/rig.ts';

const [before, after] = [rigs.HS256, rigs.RS256];
const verifierWith = (keys: KeySource) =>
  createAccessTokenVerifier({
    issuers: [{ ...issuerOf(after), algorithms: ['RS256', 'HS256'], keys }],
    clock: fixedClock,
  });

describe('keys of an issuer that went over from a shared secret to a key pair', () => {
  it('verify what either has signed, each by its own algorithm', () => {
    const verifier = verifierWith(joinedKeys(after.source, before.source));
    expect(outcome(verifier.verify(mint(after)))).toBe('ok');
    expect(outcome(verifier.verify(mint(before)))).toBe('ok');
    // The right key id under the other's algorithm finds no key.
    expect(outcome(verifier.verify(mint(before, {}, { kid: after.kid })))).toBe('key_unknown');
    expect(outcome(verifier.verify(mint(after, {}, { kid: before.kid })))).toBe('key_unknown');
    expect(outcome(verifier.verify(mint(rigs.PS256, {}, { kid: after.kid })))).toBe('algorithm');
  });

  it('are none while those that sign have not been fetched: nothing is judged, and nobody is logged out', () => {
    const state: { set: KeySet } = { set: { generation: 0, keys: [] } };
    const remote: KeySource = { current: () => state.set, refetch: () => undefined };
    const verifier = verifierWith(joinedKeys(remote, before.source));
    for (const rig of [before, after]) expect(outcome(verifier.verify(mint(rig)))).toBe('keys_unavailable');
    state.set = after.source.current(0);
    for (const rig of [before, after]) expect(outcome(verifier.verify(mint(rig)))).toBe('ok');
  });

  it('are one and the same set while nothing changes, and another when one of the two does', () => {
    const state = { set: after.source.current(0) };
    const keys = joinedKeys({ current: () => state.set }, before.source);
    const first = keys.current(0);
    expect(keys.current(1)).toBe(first);
    state.set = { generation: 7, keys: [...state.set.keys] };
    expect(keys.current(2)).not.toBe(first);
    expect(keys.current(2).generation).toBeGreaterThan(first.generation);
  });
});
