import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { newProofSigner } from '../testing/proofs.ts';
import { fixedClock, nowSeconds } from '../testing/rig.ts';
import { createProofChecker, type ProofReason, type ProvedRequest } from './check-proof.ts';
import { createProofMemory } from './proof-memory.ts';
import { publicUrlOf, requestUri } from './request-uri.ts';

const signer = newProofSigner(fixedClock.nowMs);
const check = createProofChecker({ clock: fixedClock, leewaySeconds: 30, maxAgeSeconds: 60 });
const uri = 'https://api.example.org/rooms/1';
const outcome = (proof: string, request: Partial<ProvedRequest> = {}): ProofReason | 'ok' => {
  const verdict = check(proof, { method: 'GET', uri, ...request });
  return verdict.ok ? 'ok' : verdict.reason;
};

describe('a proof', () => {
  it('of RFC 9449 §4.1 is right at its time, and names the key of §6.1', () => {
    const proof =
      'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg';
    const then = createProofChecker({ clock: { nowMs: () => 1_562_262_616_000 } });
    const request = { method: 'POST', uri: 'https://server.example.com/token' };
    expect(then(proof, request)).toMatchObject({ ok: true, thumbprint: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' });
    // §7.1: the hash of that section's token.
    const hash = createHash('sha256').update('Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU').digest('base64url');
    expect(hash).toBe('fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo');
  });

  it('that passes here passes with jose, under the same thumbprint', async () => {
    const proof = signer.prove('GET', uri, 'token');
    const { protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: ['ES256'],
      currentDate: new Date(fixedClock.nowMs()),
    });
    const thumbprint = await calculateJwkThumbprint(protectedHeader.jwk ?? {});
    expect(check(proof, { method: 'GET', uri, accessToken: 'token' })).toMatchObject({ ok: true, thumbprint });
    expect(signer.thumbprint).toBe(thumbprint);
  });

  it.each([
    ['the same URL', uri],
    ['with a query and a fragment, which count for nothing', `${uri}?a=1#b`],
    ['in upper case', 'HTTPS://API.example.ORG/rooms/1'],
    ['with the default port', 'https://api.example.org:443/rooms/1'],
    ['with what needs no encoding encoded', 'https://api.example.org/%72ooms/%31'],
    ['with dot segments', 'https://api.example.org/./a/../rooms/1'],
  ])('may name its URL %s', (_, htu) => {
    expect(outcome(signer.prove('GET', htu))).toBe('ok');
  });

  it.each([
    ['another path', 'https://api.example.org/rooms/2'],
    ['a slash more', `${uri}/`],
    ['two slashes', 'https://api.example.org//rooms/1'],
    ['a path that reads like another host', 'https://api.example.org//api.example.org/rooms/1'],
    ['another host', 'https://evil.example/rooms/1'],
    ['another port', 'https://api.example.org:8443/rooms/1'],
    ['another scheme', 'http://api.example.org/rooms/1'],
    ['credentials', 'https://a:b@api.example.org/rooms/1'],
    ['an encoded slash', 'https://api.example.org/rooms%2f1'],
    ['no scheme', '//api.example.org/rooms/1'],
    ['the path alone', '/rooms/1'],
  ])('that names %s is refused', (_, htu) => {
    expect(outcome(signer.prove('GET', htu))).toBe('uri');
  });

  it('lives from its making to a minute later, with the leeway at both ends', () => {
    const at = (seconds: number) => outcome(signer.prove('GET', uri, undefined, { iat: nowSeconds + seconds }));
    expect([at(30), at(0), at(-89)]).toEqual(['ok', 'ok', 'ok']);
    expect([at(31), at(-90), at(-3600)]).toEqual(['not_yet', 'too_old', 'too_old']);
  });
});

describe('the place of a server', () => {
  it.each([
    ['https://api.example.org', 'https://api.example.org/a/b'],
    ['https://api.example.org/', 'https://api.example.org/a/b'],
    ['https://API.example.org:443/api/v1/', 'https://api.example.org/api/v1/a/b'],
  ])('%s is where clients find it', (given, expected) => {
    expect(requestUri(publicUrlOf(given), '/a/b?c=d')).toBe(expected);
  });

  it.each(['', 'api.example.org', 'ftp://a', 'https://a?b', 'https://a#b', 'https://a:b@c'])('%s is none', (given) => {
    expect(() => publicUrlOf(given)).toThrow(TypeError);
  });
});

describe('the memory of proofs', () => {
  const proof = (id: string, endsAtMs: number, thumbprint = id, madeAtMs = 10_000) =>
    ({ ok: true, thumbprint, id, madeAtMs, endsAtMs }) as const;

  it('lets each pass once, none from before its own time, and none that it has no place for', () => {
    const memory = createProofMemory(10_000, 2);
    expect([memory.use(proof('a', 60_000), 0), memory.use(proof('a', 60_000), 0)]).toEqual(['first', 'replayed']);
    expect(memory.use(proof('b', 60_000, 'b', 9_999), 0)).toBe('replayed');
    expect([memory.use(proof('c', 70_000), 0), memory.use(proof('d', 60_000), 0)]).toEqual(['first', 'full']);
    // `a` has ended: it is refused for its age, and its place is free.
    expect(memory.use(proof('d', 80_000), 60_000)).toBe('first');
    expect([memory.use(proof('c', 70_000), 60_000), memory.use(proof('e', 80_000), 60_000)]).toEqual([
      'replayed',
      'full',
    ]);
  });

  it('has an eighth of its places for one key, however many proofs it makes', () => {
    const memory = createProofMemory(0, 16);
    const mine = Array.from({ length: 4 }, (_, turn) => memory.use(proof(`mine ${turn}`, 60_000, 'mine'), 0));
    expect(mine).toEqual(['first', 'first', 'full', 'full']);
    expect(memory.use(proof('another’s', 60_000), 0)).toBe('first');
    expect(memory.use(proof('mine 2', 120_000, 'mine'), 60_000)).toBe('first');
  });
});
