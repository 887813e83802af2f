import { describe, expect, it } from 'vitest';
import { judge, type PresentedToken, type RotationPolicy, type SessionFacts } from './rotation.ts';

const policy: RotationPolicy = { rotation: true, overlapMs: 10_000, ahead: 'adopt' };
const session: SessionFacts = {
  generation: 5,
  rotatedAtMs: 100_000,
  idleExpiresAtMs: 1_000_000,
  absoluteExpiresAtMs: 2_000_000,
  revokedCause: undefined,
  proofRequired: false,
};
const presented = (generation: number, fields: Partial<PresentedToken> = {}): PresentedToken => ({
  generation,
  matchesStoredHash: generation === 5 ? true : undefined,
  holderKey: 'not_shown',
  attemptKnown: false,
  ...fields,
});
const inside = 109_999;
const outside = 110_000;

describe('the judgement on a genuine refresh token', () => {
  it('rotates the current token, or keeps it where rotation is off', () => {
    expect(judge(presented(5), session, policy, outside)).toEqual({ kind: 'rotate', newGeneration: 6, ahead: false });
    expect(judge(presented(5), session, { ...policy, rotation: false }, outside)).toEqual({ kind: 'keep' });
  });

  it('gives an attempt that led to the current token the same one again, while the overlap runs', () => {
    const again = presented(5, { attemptKnown: true });
    expect(judge(again, session, policy, inside)).toEqual({ kind: 'keep' });
    expect(judge(again, session, policy, outside).kind).toBe('rotate');
    expect(judge(again, session, { ...policy, overlapMs: 0 }, 100_000).kind).toBe('rotate');
    const other = { ...again, matchesStoredHash: false };
    expect(judge(other, session, policy, inside)).toEqual({ kind: 'refuse', code: 'refresh_invalid' });
  });

  it('gives a predecessor the same successor inside the overlap, and nothing after it', () => {
    expect(judge(presented(4), session, policy, inside)).toEqual({ kind: 'successor', insideOverlap: true });
    expect(judge(presented(4), session, policy, outside)).toEqual({ kind: 'reuse' });
    expect(judge(presented(4), session, { ...policy, overlapMs: 0 }, 100_000)).toEqual({ kind: 'reuse' });
  });

  it('gives a late predecessor its successor with proof of the same holder', () => {
    const late = { kind: 'successor', insideOverlap: false };
    expect(judge(presented(4, { attemptKnown: true }), session, policy, outside)).toEqual(late);
    expect(judge(presented(4, { holderKey: 'proved' }), session, policy, outside)).toEqual(late);
  });

  it('takes anything older for reuse, proof or not', () => {
    expect(judge(presented(3), session, policy, inside)).toEqual({ kind: 'reuse' });
    expect(judge(presented(0, { attemptKnown: true, holderKey: 'proved' }), session, policy, inside)).toEqual({
      kind: 'reuse',
    });
  });

  it('adopts one generation ahead of the row or refuses it by setting; more is lost, never reuse', () => {
    expect(judge(presented(6), session, policy, inside)).toEqual({ kind: 'rotate', newGeneration: 7, ahead: true });
    const lost = { kind: 'refuse', code: 'session_lost' };
    expect(judge(presented(6), session, { ...policy, ahead: 'refuse' }, inside)).toEqual(lost);
    expect(judge(presented(7), session, policy, inside)).toEqual(lost);
  });

  it('refuses what is dead before anything else, and says why', () => {
    const code = (revokedCause: string) => judge(presented(3), { ...session, revokedCause }, policy, inside);
    expect(code('logout')).toEqual({ kind: 'refuse', code: 'session_revoked' });
    expect(code('reused')).toEqual({ kind: 'refuse', code: 'refresh_reused' });
  });

  it('refuses at idle and at absolute expiry, by the store clock', () => {
    const expired = { kind: 'refuse', code: 'refresh_expired' };
    expect(judge(presented(5), session, policy, 1_000_000)).toEqual(expired);
    expect(judge(presented(5), { ...session, idleExpiresAtMs: 3_000_000 }, policy, 2_000_000)).toEqual(expired);
    expect(judge(presented(3), session, policy, 1_000_000)).toEqual(expired);
  });

  it('changes nothing in a session that demands proof when there is none, not even for an old token', () => {
    const demanding = { ...session, proofRequired: true };
    for (const generation of [0, 4, 5, 6]) {
      expect(judge(presented(generation), demanding, policy, outside)).toEqual({
        kind: 'refuse',
        code: 'proof_required',
      });
    }
    expect(judge(presented(5, { holderKey: 'proved' }), demanding, policy, outside).kind).toBe('rotate');
  });

  it('refuses a genuine token that is not the one that the row was given, without a verdict of reuse', () => {
    const refused = { kind: 'refuse', code: 'refresh_invalid' };
    expect(judge(presented(5, { matchesStoredHash: false }), session, policy, inside)).toEqual(refused);
    expect(judge(presented(5, { matchesStoredHash: undefined }), session, policy, inside).kind).toBe('rotate');
  });
});
