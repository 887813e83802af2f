import { randomBytes } from 'node:crypto';
import type { AssertionClaims } from '@sallyport/contract';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assertionKey, createAssertionSigner, createBearerGuard, createGuard, targetHash } from '../index.ts';
import { newProofSigner } from '../testing/proofs.ts';
import { fixedClock, goodClaims, mint, nowSeconds, rigs, verifierOf } from '../testing/rig.ts';
import { frameworks, type RunningServer, type Seen, send, startServer } from '../testing/servers.ts';

const publicUrl = 'https://payments.example.org';
const key = assertionKey(randomBytes(32), 'payment');
const signer = createAssertionSigner({ kid: 'g1', key });
let counter = 0;
const assertion = (target: string, method = 'GET', change: Partial<AssertionClaims> = {}): string => {
  counter += 1;
  const jti = `0192f0c1-2b3c-7d4e-8f50-${counter.toString(16).padStart(12, '0')}`;
  const who = change.anon ? {} : { sub: 'user-1', roles: ['user'] };
  const common = {
    ver: 1 as const,
    iss: 'gateway',
    aud: 'payment',
    iat: nowSeconds,
    exp: nowSeconds + 30,
    cip: '192.0.2.7',
  };
  return signer.sign({ ...common, ...who, jti, mth: method, pth: targetHash(target), ...change });
};

const forged = {
  'x-user-id': 'root',
  'X-USER-EMAIL': 'root@example.com',
  x_user_id: 'root',
  'x-roles': 'admin',
  'x-permissions': 'all',
  'x-gateway-signature': '00',
  'x-other': 'stays',
};

/** Everything that a URL parser, a router or a decoder could respell. */
const spot = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^[a-z0-9]{1,4}$/) },
  fc.constantFrom(
    '/',
    '//',
    '/./',
    '/../',
    '..',
    '%2e%2e',
    '%2E',
    '%2f',
    '%5c',
    '\\',
    ';',
    ';a=1',
    '%',
    '%zz',
    '%00',
    '%25',
  ),
  fc.constantFrom(
    '?',
    '??',
    '&',
    '=',
    '+',
    '%20',
    ':',
    '@',
    '|',
    '^',
    '{',
    '}',
    '"',
    '<',
    '>',
    '`',
    '[',
    ']',
    '~',
    '!',
    "'",
    '(',
    '*',
    ',',
    '%C3%BC',
    '%c3%bc',
    '$',
  ),
);
const targets = fc.array(spot, { maxLength: 8 }).map((spots) => `/${spots.join('')}`);

const isStable = (target: string): boolean => {
  const url = 'http://127.0.0.1';
  return URL.canParse(url + target) && new URL(url + target).href === url + target;
};

/** What a fetch handler is given to see of a target; its guard judges the same text. */
const respelled = (target: string): string => {
  const url = URL.parse(`http://127.0.0.1${target}`);
  return url ? url.href.slice(url.origin.length) : target;
};

describe.each(frameworks)('the %s adapter', (framework) => {
  let server: RunningServer;
  let bearer: RunningServer;
  const refusals: string[] = [];

  beforeAll(async () => {
    const guard = createGuard({
      service: 'payment',
      keys: [{ kid: 'g1', key }],
      clock: fixedClock,
      texts: { assertion_missing: { error: 'User context missing. Request must come through API Gateway.' } },
      public: ['GET /catalogue/*'],
      unguarded: ['GET /health'],
      onRefusal: (code, reason) => refusals.push(`${code} ${reason}`),
    });
    server = await startServer(framework, guard);
    bearer = await startServer(
      framework,
      createBearerGuard({
        verifier: verifierOf(rigs.ES256),
        unguarded: ['GET /health'],
        publicUrl,
        proofs: { clock: fixedClock },
      }),
    );
  });
  afterAll(() => {
    server.stop();
    bearer.stop();
  });

  const withAssertion = (value: string | string[]): Record<string, string | string[]> => ({
    ...forged,
    'x-gateway-assertion': value,
  });

  it('passes the caller on, and hides every header that could be taken for one', async () => {
    const answer = await send(server, '/mounted/payments?x=1', withAssertion(assertion('/mounted/payments?x=1')));
    expect(answer.status).toBe(200);
    const { caller, headers } = JSON.parse(answer.body) as Seen;
    expect(caller).toMatchObject({ kind: 'user', userId: 'user-1', roles: ['user'], clientAddress: '192.0.2.7' });
    expect(headers).toContain('x-other');
    expect(headers.filter((name) => /^x.(user|roles|permissions|gateway)/.test(name))).toEqual([]);
  });

  it('passes a token that is bound to a key with one proof of it, for the target as it was sent', async () => {
    const holder = newProofSigner(fixedClock.nowMs);
    const token = mint(rigs.ES256, { cnf: { jkt: holder.thumbprint } });
    const proof = holder.prove('GET', `${publicUrl}/mounted/payments`, token);
    const ask = (dpop: string | string[], path = '/mounted/payments?x=1') =>
      send(bearer, path, { authorization: `DPoP ${token}`, dpop });
    const codeOf = (body: string) => (JSON.parse(body) as { readonly code?: string }).code;
    expect(codeOf((await ask(proof, '/payments')).body)).toBe('proof_invalid');
    expect(codeOf((await ask([proof, proof])).body)).toBe('proof_invalid');
    const answer = await ask(proof);
    expect((JSON.parse(answer.body) as Seen).caller).toMatchObject({ boundKeyThumbprint: holder.thumbprint });
    const again = await ask(proof);
    expect([again.status, codeOf(again.body)]).toEqual([401, 'proof_replayed']);
    expect(again.headers['www-authenticate']).toContain('DPoP');
    expect((await send(bearer, '/payments', { authorization: `Bearer ${token}` })).status).toBe(401);
  });

  it('refuses forged identity headers without an assertion: 401 in the preset’s words', async () => {
    const answer = await send(server, '/payments', forged);
    expect(answer.status).toBe(401);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['www-authenticate']).toBe('Gateway-Assertion');
    expect(JSON.parse(answer.body)).toMatchObject({
      code: 'assertion_missing',
      status: 401,
      error: 'User context missing. Request must come through API Gateway.',
    });
    expect(refusals.at(-1)).toBe('assertion_missing absent');
  });

  it.each([
    ['garbage', () => 'x', 'assertion_invalid'],
    ['for another target', () => assertion('/payments?x=2'), 'assertion_invalid'],
    ['for another method', () => assertion('/payments', 'POST'), 'assertion_invalid'],
    ['sent twice', () => [assertion('/payments'), assertion('/payments')], 'assertion_invalid'],
    ['sent twice, the same', () => Array<string>(2).fill(assertion('/payments')), 'assertion_invalid'],
    ['of nobody', () => assertion('/payments', 'GET', { anon: true }), 'assertion_missing'],
  ])('refuses an assertion %s', async (_name, make, code) => {
    const answer = await send(server, '/payments', withAssertion(make()));
    expect([answer.status, (JSON.parse(answer.body) as { code: string }).code]).toEqual([401, code]);
  });

  it('refuses the second use for unsafe methods', async () => {
    const header = withAssertion(assertion('/mounted/payments', 'POST'));
    expect((await send(server, '/mounted/payments', header, 'POST')).status).toBe(200);
    const again = await send(server, '/mounted/payments', header, 'POST');
    expect([again.status, (JSON.parse(again.body) as { code: string }).code]).toEqual([401, 'assertion_replayed']);
  });

  it('admits nobody on public routes only, and anyone on unguarded ones only', async () => {
    const anonymous = (target: string) => send(server, target, withAssertion(assertion(target, 'GET', { anon: true })));
    const open = await anonymous('/catalogue/books');
    expect((JSON.parse(open.body) as Seen).caller).toMatchObject({ kind: 'anonymous', clientAddress: '192.0.2.7' });
    expect((await anonymous('/catalogues')).status).toBe(401);
    for (const target of [
      '/catalogue/../payments',
      '/catalogue/%2e%2e/payments',
      '/catalogue//payments',
      '/catalogue/..\\payments',
    ]) {
      expect((await anonymous(target)).status).not.toBe(200);
    }
    const health = await send(server, '/health?x', forged);
    expect(JSON.parse(health.body)).toMatchObject({ caller: null });
    expect(health.body).not.toMatch(/x.user/);
    expect((await send(server, '/health', {}, 'POST')).status).toBe(401);
    expect((await send(server, '/health/x')).status).toBe(401);
  });

  it('binds the assertion to the target as it stood on the wire', async () => {
    let passed = 0;
    await fc.assert(
      fc.asyncProperty(targets, targets, async (target, other) => {
        const { status } = await send(server, target, withAssertion(assertion(target)));
        // Frameworks may refuse a target themselves (400), and a URL parser may have respelled one: never a wrong pass.
        const allowed =
          isStable(target) || framework === 'node' || framework === 'express' ? [200, 400] : [200, 400, 401];
        expect(allowed).toContain(status);
        if (status === 200) passed += 1;
        if ((framework === 'fetch' ? respelled(other) : other) === target) return;
        expect([400, 401]).toContain((await send(server, other, withAssertion(assertion(target)))).status);
      }),
      { numRuns: 120 },
    );
    expect(passed).toBeGreaterThan(10);
  });

  it('with a bearer guard passes the user of the token', async () => {
    const answer = await send(bearer, '/messages', { ...forged, authorization: `bearer ${mint(rigs.ES256)}` });
    const { caller, headers } = JSON.parse(answer.body) as Seen;
    expect(caller).toMatchObject({ kind: 'user', userId: goodClaims['sub'], sessionId: goodClaims['sid'] });
    expect(headers.filter((name) => /^x.user/.test(name))).toEqual([]);
    expect((await send(bearer, '/health')).status).toBe(200);
  });

  it.each([
    ['nothing', {}, 'token_missing', 'Bearer realm="sallyport"'],
    ['an empty header', { authorization: '' }, 'token_missing', 'Bearer realm="sallyport"'],
    [
      'no token',
      { authorization: 'Bearer' },
      'authorization_malformed',
      'Bearer realm="sallyport", error="invalid_request"',
    ],
    [
      'two spaces',
      { authorization: 'Bearer  x' },
      'authorization_malformed',
      'Bearer realm="sallyport", error="invalid_request"',
    ],
    [
      'two tokens',
      { authorization: 'Bearer x y' },
      'authorization_malformed',
      'Bearer realm="sallyport", error="invalid_request"',
    ],
    [
      'another scheme',
      { authorization: 'Basic eDp4' },
      'authorization_malformed',
      'Bearer realm="sallyport", error="invalid_request"',
    ],
    [
      'a list',
      { authorization: 'Bearer x, Bearer y' },
      'authorization_malformed',
      'Bearer realm="sallyport", error="invalid_request"',
    ],
    ['a bad token', { authorization: 'Bearer x' }, 'token_invalid', 'Bearer realm="sallyport", error="invalid_token"'],
    [
      'an old token',
      { authorization: `Bearer ${mint(rigs.ES256, { exp: 1 })}` },
      'token_expired',
      'Bearer realm="sallyport", error="invalid_token"',
    ],
  ])('with a bearer guard refuses %s', async (_name, headers, code, challenge) => {
    const answer = await send(bearer, '/messages', headers);
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.body)).toMatchObject({ code });
    expect(answer.headers['www-authenticate']).toBe(challenge);
  });
});
