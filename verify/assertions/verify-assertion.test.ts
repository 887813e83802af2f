import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import type { AssertionClaims } from '@sallyport/contract';
import { describe, expect, it } from 'vitest';
import {
  type AssertionVerifier,
  type AssertionVerifierOptions,
  assertionKey,
  createAssertionSigner,
  createAssertionVerifier,
  targetHash,
} from '../index.ts';
import { encode, fixedClock, nowSeconds } from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

const master = randomBytes(32);
const key = assertionKey(master, 'payment');
const signer = createAssertionSigner({ kid: 'g1', key });
const target = '/payments?limit=10&sort=%C3%BC';

let counter = 0;
const uuid = (): string => {
  counter += 1;
  return `0192f0c1-2b3c-7d4e-8f50-${counter.toString(16).padStart(12, '0')}`;
};
const claims = (change: Readonly<Record<string, unknown>> = {}): AssertionClaims => ({
  ver: 1,
  iss: 'gateway',
  aud: 'payment',
  iat: nowSeconds,
  exp: nowSeconds + 30,
  jti: uuid(),
  sub: 'user-1',
  email: 'ann@example.com',
  name: 'Ann Ünal',
  roles: ['user'],
  permissions: ['a:read'],
  sid: 'session-1',
  uep: 2,
  device_id: 'device-1',
  amr: ['pwd'],
  auth_time: nowSeconds - 60,
  cip: '192.0.2.7',
  mth: 'GET',
  pth: targetHash(target),
  ...change,
});

const verifierOf = (options: Partial<AssertionVerifierOptions> = {}): AssertionVerifier =>
  createAssertionVerifier({ service: 'payment', keys: [{ kid: 'g1', key }], clock: fixedClock, ...options });
const get = { method: 'GET', target };
const post = { method: 'POST', target };
const outcome = (assertion: string | undefined, request = get, verifier = verifierOf()): string => {
  const result = verifier.verify(assertion, request);
  return result.ok ? 'ok' : result.reason;
};

describe('assertion', () => {
  it('says who calls', () => {
    const signed = claims();
    expect(verifierOf().verify(signer.sign(signed), get)).toEqual({
      ok: true,
      identity: {
        kind: 'user',
        userId: 'user-1',
        email: 'ann@example.com',
        name: 'Ann Ünal',
        roles: ['user'],
        permissions: ['a:read'],
        sessionId: 'session-1',
        deviceId: 'device-1',
        amr: ['pwd'],
        authTime: nowSeconds - 60,
        accessEpoch: 2,
        clientAddress: '192.0.2.7',
        gateway: 'gateway',
        claims: signed,
      },
    });
  });

  it('of nobody says only where from', () => {
    const { sub, email, name, roles, permissions, sid, uep, device_id, amr, auth_time, ...rest } = claims({
      anon: true,
      cip: '2001:db8::1',
    });
    expect(verifierOf().verify(signer.sign(rest), get)).toMatchObject({
      ok: true,
      identity: { kind: 'anonymous', clientAddress: '2001:db8::1', gateway: 'gateway' },
    });
    expect(outcome(signer.sign({ ...rest, anon: false } as never))).toBe('claims');
    const { anon, ...neither } = rest;
    expect([anon, outcome(signer.sign(neither))]).toEqual([true, 'claims']);
  });

  it('has a key that is HKDF of the master and the service', () => {
    expect(key).toEqual(Buffer.from(hkdfSync('sha256', master, '', 'sallyport/assertion/1payment', 32)));
    expect(assertionKey(master, 'user')).not.toEqual(key);
    expect(() => assertionKey(randomBytes(31), 'payment')).toThrow('32 bytes');
  });

  it.each([
    ['none', undefined, 'absent', 'assertion_missing'],
    ['empty', '', 'absent', 'assertion_missing'],
    ['garbage', 'x', 'malformed', 'assertion_invalid'],
    ['two in one', `${signer.sign(claims())}, ${signer.sign(claims())}`, 'malformed', 'assertion_invalid'],
    ['oversize', 'x'.repeat(8193), 'oversize', 'assertion_invalid'],
  ])('%s is refused', (_name, assertion, reason, code) => {
    expect(verifierOf().verify(assertion, get)).toEqual({ ok: false, code, reason });
  });

  it.each([
    [{ iss: 'other' }, 'issuer'],
    [{ aud: 'user' }, 'audience'],
    [{ aud: ['payment'] }, 'claims'],
    [{ ver: 2 }, 'claims'],
    [{ ver: '1' }, 'claims'],
    [{ exp: nowSeconds + 31 }, 'claims'],
    [{ exp: undefined }, 'claims'],
    [{ iat: String(nowSeconds) }, 'claims'],
    [{ iat: nowSeconds - 60, exp: nowSeconds - 30 }, 'expired'],
    [{ iat: nowSeconds - 59, exp: nowSeconds - 29 }, 'ok'],
    [{ iat: nowSeconds + 31, exp: nowSeconds + 61 }, 'not_yet_valid'],
    [{ iat: nowSeconds + 30, exp: nowSeconds + 60 }, 'ok'],
    [{ jti: '0192f0c1-2b3c-4d4e-8f50-aabbccddeeff' }, 'claims'],
    [{ jti: undefined }, 'claims'],
    [{ cip: '' }, 'claims'],
    [{ cip: 'unknown' }, 'claims'],
    [{ cip: undefined }, 'claims'],
    [{ mth: 'POST' }, 'method'],
    [{ mth: 'get' }, 'method'],
    [{ pth: targetHash('/payments?limit=10&sort=ü') }, 'target'],
    [{ pth: targetHash(`${target}#`) }, 'target'],
    [{ pth: undefined }, 'claims'],
    [{ sub: '' }, 'claims'],
    [{ sub: 7 }, 'claims'],
    [{ sub: undefined }, 'claims'],
    [{ roles: 'admin' }, 'claims'],
    [{ name: 'a\r\nb' }, 'claims'],
    [{ anon: true }, 'claims'],
    [{ cnf: {} }, 'claims'],
  ])('with %j: %s', (change, expected) => {
    expect(outcome(signer.sign(claims(change)))).toBe(expected);
  });

  it.each([
    [{ alg: 'none' }, 'algorithm'],
    [{ alg: 'hs256' }, 'algorithm'],
    [{ alg: 'RS256' }, 'algorithm'],
    [{ typ: 'at+jwt' }, 'type'],
    [{ typ: 'JWT' }, 'type'],
    [{ typ: undefined }, 'type'],
    [{ typ: 7 }, 'header'],
    [{ kid: 'g2' }, 'key_unknown'],
    [{ kid: undefined }, 'key_unknown'],
    [{ crit: ['x'] }, 'header'],
    [{ jku: 'https://attacker.example' }, 'header'],
  ])('with header %j is refused', (change, expected) => {
    const header = { alg: 'HS256', typ: 'gw-assertion+jwt', kid: 'g1', ...change };
    const input = `${encode(JSON.stringify(header))}.${encode(JSON.stringify(claims()))}`;
    expect(outcome(`${input}.${createHmac('sha256', key).update(input).digest('base64url')}`)).toBe(expected);
  });

  it('signed for another service is refused, and so is one signed by it', () => {
    const other = createAssertionSigner({ kid: 'g1', key: assertionKey(master, 'user') });
    expect(outcome(other.sign(claims()))).toBe('signature');
    expect(outcome(other.sign(claims({ aud: 'user' })))).toBe('signature');
  });

  it('is taken under the new and the old key while they overlap', () => {
    const next = { kid: 'g2', key: assertionKey(randomBytes(32), 'payment') };
    const verifier = verifierOf({ keys: [next, { kid: 'g1', key }] });
    expect(outcome(createAssertionSigner(next).sign(claims()), get, verifier)).toBe('ok');
    expect(outcome(signer.sign(claims()), get, verifier)).toBe('ok');
  });

  it.each(['keys', 'service'])('needs %s', (name) => {
    expect(() => verifierOf({ [name]: name === 'keys' ? [] : '' })).toThrow(TypeError);
    expect(() => verifierOf({ [name]: undefined })).toThrow('missing');
  });

  it('needs a replay memory longer than an assertion can live', () => {
    expect(() => verifierOf({ replay: { ttlSeconds: 89 } })).toThrow('under 90');
    expect(() => verifierOf({ leewaySeconds: 31, replay: { ttlSeconds: 90 } })).toThrow('under 92');
    // By default it grows with the leeway: a setting that every server takes must not keep a service from starting.
    expect(() => verifierOf({ leewaySeconds: 300 })).not.toThrow();
    expect(() => verifierOf({ replay: { ttl: 90 } as never })).toThrow('unknown option');
    expect(() => verifierOf({ keys: [{ kid: 'g1', key: randomBytes(31) }] })).toThrow('32 bytes');
  });
});

describe('a replayed assertion', () => {
  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'get'])('is refused for %s', (method) => {
    const verifier = verifierOf();
    const assertion = signer.sign(claims({ mth: method }));
    expect(outcome(assertion, { method, target }, verifier)).toBe('ok');
    expect(verifier.verify(assertion, { method, target })).toEqual({
      ok: false,
      code: 'assertion_replayed',
      reason: 'replayed',
    });
  });

  it.each(['GET', 'HEAD', 'OPTIONS', 'TRACE'])('does no harm for %s', (method) => {
    const verifier = verifierOf();
    const assertion = signer.sign(claims({ mth: method }));
    expect([1, 2, 3].map(() => outcome(assertion, { method, target }, verifier))).toEqual(['ok', 'ok', 'ok']);
    expect(verifier.replayEntries).toBe(0);
  });

  it('is refused for as long as it could be accepted', () => {
    const clock = { seconds: nowSeconds - 30, nowMs: () => clock.seconds * 1000 };
    const verifier = verifierOf({ clock });
    const assertion = signer.sign(claims({ mth: 'POST' }));
    expect(outcome(assertion, post, verifier)).toBe('ok');
    for (; clock.seconds < nowSeconds + 60; clock.seconds += 1)
      expect(outcome(assertion, post, verifier)).toBe('replayed');
    expect(outcome(assertion, post, verifier)).toBe('expired');
  });

  it('cannot be made room for: a full memory refuses what is new, until the oldest ends', () => {
    const clock = { seconds: nowSeconds, nowMs: () => clock.seconds * 1000 };
    const verifier = verifierOf({ clock, replay: { maxEntries: 3 } });
    const make = (): string => signer.sign(claims({ mth: 'POST', iat: clock.seconds, exp: clock.seconds + 30 }));
    const first = make();
    expect([first, make(), make()].map((each) => outcome(each, post, verifier))).toEqual(['ok', 'ok', 'ok']);
    expect(verifier.verify(make(), post)).toEqual({ ok: false, code: 'busy', reason: 'replay_memory_full' });
    expect(outcome(first, post, verifier)).toBe('replayed');
    clock.seconds += 90;
    expect(outcome(make(), post, verifier)).toBe('ok');
    expect(verifier.replayEntries).toBe(1);
  });

  it('is not remembered when it was refused, so nobody can burn another caller', () => {
    const verifier = verifierOf();
    const good = signer.sign(claims({ mth: 'POST' }));
    const [header, payload] = good.split('.');
    expect(outcome(`${header}.${payload}.${'A'.repeat(43)}`, post, verifier)).toBe('signature');
    expect(outcome(good, { method: 'POST', target: '/other' }, verifier)).toBe('target');
    expect(outcome(good, post, verifier)).toBe('ok');
  });
});

describe('is known to be able to fail', () => {
  const verify = (broken: typeof import('../index.ts'), assertion: string, request = get) =>
    broken
      .createAssertionVerifier({ service: 'payment', keys: [{ kid: 'g1', key }], clock: fixedClock })
      .verify(assertion, request);

  it.each([
    ["if (claims.aud !== service) return 'audience';", claims({ aud: 'user' }), get],
    ["if (claims.mth !== request.method) return 'method';", claims(), { method: 'HEAD', target }],
    ["if (claims.pth !== targetHash(request.target)) return 'target';", claims(), { method: 'GET', target: '/admin' }],
  ])('without "%s" the assertion is taken', async (find, signed, request) => {
    expect(outcome(signer.sign(signed), request)).not.toBe('ok');
    await withSabotage([{ file: 'assertions/verify-assertion.ts', find, replace: '' }], (broken) => {
      expect(verify(broken, signer.sign(signed), request)).toMatchObject({ ok: true });
    });
  });

  it('without memory the second use is taken', async () => {
    const change = { file: 'assertions/replay-memory.ts', find: "if (endsAtMs.has(jti)) return 'seen';", replace: '' };
    await withSabotage([change], (broken) => {
      const options = { service: 'payment', keys: [{ kid: 'g1', key }], clock: fixedClock };
      const verifier = broken.createAssertionVerifier(options);
      const assertion = signer.sign(claims({ mth: 'POST' }));
      expect([verifier.verify(assertion, post).ok, verifier.verify(assertion, post).ok]).toEqual([true, true]);
    });
  });
});
