/**
 * Attacks on the running servers, named for what they prove. Each shows first that the same request succeeds with the real thing:
 * a test that any token fails would prove nothing.
 */
import { createHash, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeToken, decodeToken, encode, forgeText, hmacSigner, type Json, type Sign } from '../testing/forge.ts';
import { type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { type LoggedIn, signUp } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

const bearerRoutes = [
  ['GET', '/auth/verify'],
  ['GET', '/auth/me'],
  ['GET', '/auth/sessions'],
  ['DELETE', '/auth/sessions'],
  ['DELETE', '/auth/sessions/01a20131-8d90-706e-a241-de063c36a7cc'],
  ['POST', '/auth/logout-all'],
  ['DELETE', '/auth/account'],
] as const;

const expectRefused = async (call: Call, token: string): Promise<void> => {
  const answer = await call('GET', '/auth/verify', { bearer: token });
  expectProblem(answer, 'token_invalid', 'Invalid or expired token');
};

const algNone = ['none', 'None', 'NONE', 'nOnE', 'none ', ''];

interface Decoy {
  readonly url: string;
  connections(): number;
  close(): void;
}

/** Listens where a forged header points to. */
const startDecoy = async (): Promise<Decoy> => {
  let seen = 0;
  const server: Server = createServer((_, response) => response.end('{"keys":[]}')).on('connection', () => {
    seen += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/jwks.json`, connections: () => seen, close: () => server.close() };
};

describe('at an issuer with HS256', () => {
  let issuer: Issuer;
  let call: Call;
  let ann: LoggedIn;
  let signed: Sign;
  let decoy: Decoy;
  const forge = (claims: Json, header: Json = {}) => changeToken(ann.access, signed, claims, header);
  beforeAll(async () => {
    [issuer, decoy] = await Promise.all([startIssuer(), startDecoy()]);
    call = httpClient(issuer.url);
    ann = await signUp(call);
    signed = hmacSigner(issuer.folder.settings['JWT_SECRET'] ?? '');
  });
  afterAll(() => {
    decoy.close();
    return issuer.remove();
  });

  it('the forge can make a token that passes, so that what follows can fail', async () => {
    const answer = await call('GET', '/auth/verify', { bearer: forge({ jti: 'another' }) });
    expect(answer.status).toBe(200);
  });

  it('refuses alg none in every spelling, with and without a signature, on every bearer route', async () => {
    for (const [method, path] of bearerRoutes) {
      for (const alg of algNone) {
        const token = changeToken(ann.access, signed, {}, { alg });
        for (const bearer of [token, token.replace(/[^.]+$/, '')]) {
          const answer = await call(method, path, { bearer });
          expect([answer.status, answer.body['code']]).toEqual([
            401,
            expect.stringMatching(/^(token_invalid|authorization_malformed)$/),
          ]);
        }
      }
    }
    expect((await call('GET', '/auth/verify', { bearer: ann.access })).status).toBe(200);
  });

  it('refuses every other algorithm than its own, also a stronger one under the right key', async () => {
    const secret = issuer.folder.settings['JWT_SECRET'] ?? '';
    for (const [alg, hash] of [
      ['HS384', 'sha384'],
      ['HS512', 'sha512'],
      ['hs256', 'sha256'],
      ['RS256', 'sha256'],
      ['ES256', 'sha256'],
    ] as const) {
      await expectRefused(call, changeToken(ann.access, hmacSigner(secret, hash), {}, { alg }));
    }
    await expectRefused(call, forge({}, { alg: undefined }));
    await expectRefused(call, forge({}, { alg: ['HS256'] }));
  });

  it('refuses a wrong, empty or guessed secret', async () => {
    for (const secret of [
      '',
      'secret',
      'your-256-bit-secret',
      issuer.folder.settings['CSRF_KEYS'] ?? '',
      'x'.repeat(43),
    ]) {
      await expectRefused(call, changeToken(ann.access, hmacSigner(secret)));
    }
  });

  it('refuses a key that the header names or brings along, and fetches nothing', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwk = publicKey.export({ format: 'jwk' });
    const own: Sign = (input) => sign('sha256', Buffer.from(input), privateKey);
    const certificate = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    for (const header of [
      { kid: 'another' },
      { kid: '' },
      { kid: '../../../../dev/null' },
      { kid: "x' UNION SELECT 'secret" },
      { kid: 7 },
      { kid: ['a'] },
      { kid: '__proto__' },
      { jku: decoy.url },
      { x5u: decoy.url },
      { jku: decoy.url, kid: 'another' },
      { jwk: { kty: 'oct', k: encode('secret') } },
      { x5c: [certificate] },
      { crit: ['exp'] },
      { crit: ['b64'], b64: false },
      { crit: [] },
      { crit: 'exp' },
      { b64: false },
      { zip: 'DEF' },
      { enc: 'A256GCM' },
    ]) {
      await expectRefused(call, forge({}, header));
      await expectRefused(call, changeToken(ann.access, own, {}, { ...header, alg: 'RS256', jwk }));
    }
    expect(decoy.connections()).toBe(0);
  });

  it('refuses another kind of token: typ, refresh token, CSRF token, gateway assertion', async () => {
    for (const typ of ['JWT', 'jwt', 'gw-assertion+jwt', 'rt+jwt', 'logout+jwt', '', undefined, 7, 'at+jwt ']) {
      await expectRefused(call, forge({}, { typ }));
    }
    await expectRefused(call, ann.refresh);
    const csrf = await call('GET', '/auth/verify', { bearer: ann.csrf });
    expectProblem(csrf, 'token_invalid', 'Invalid or expired token');
    const assertion = { ver: 1, iss: 'gateway', aud: 'auth-service', cip: '127.0.0.1', mth: 'GET', pth: 'x' };
    await expectRefused(call, forge(assertion, { typ: 'gw-assertion+jwt' }));
    await expectRefused(call, forge(assertion));
  });

  it('refuses another issuer, audience or subject', async () => {
    for (const iss of ['other', 'AUTH-SERVICE', 'auth-service/', '', undefined, 7, ['auth-service'], null]) {
      await expectRefused(call, forge({ iss }));
    }
    for (const aud of ['other', 'SALLYPORT', '', undefined, 7, ['other'], [], {}, null]) {
      await expectRefused(call, forge({ aud }));
    }
    for (const sub of [undefined, '', 7, 'nobody', null]) {
      const answer = await call('GET', '/auth/verify', { bearer: forge({ sub }) });
      expect(answer.status).toBe(401);
    }
  });

  it('refuses dates that are no numbers, and dates that are not now', async () => {
    const now = Math.floor(Date.now() / 1000);
    for (const bad of [String(now + 900), null, undefined, {}, [now + 900], true, now + 900.5e20, -1]) {
      const answer = await call('GET', '/auth/verify', { bearer: forge({ exp: bad }) });
      expect([bad, answer.status]).toEqual([bad, 401]);
    }
    for (const bad of [String(now), {}, [now], true, null]) {
      await expectRefused(call, forge({ nbf: bad }));
      await expectRefused(call, forge({ iat: bad }));
    }
    const late = await call('GET', '/auth/verify', { bearer: forge({ exp: now - 31 }) });
    expectProblem(late, 'token_expired', 'Invalid or expired token');
    await expectRefused(call, forge({ nbf: now + 120 }));
    const header = JSON.stringify(decodeToken(ann.access).header);
    const payload = JSON.stringify(decodeToken(ann.access).claims);
    for (const exp of ['1e999', 'NaN', 'Infinity', '0x7fffffff']) {
      await expectRefused(call, forgeText(signed, header, payload.replace(/"exp":\d+/, `"exp":${exp}`)));
    }
  });

  it('refuses a member that stands twice, in header or payload', async () => {
    const header = JSON.stringify(decodeToken(ann.access).header);
    const payload = JSON.stringify(decodeToken(ann.access).claims);
    const doubled = [
      [header.replace('{', '{"alg":"HS256",'), payload],
      [header.replace('{', '{"alg":"none",'), payload],
      [header.replace('{', '{"\\u0061lg":"none",'), payload],
      [header, payload.replace('{', '{"sub":"another",')],
      [header, payload.replace('{', '{"\\u0073ub":"another",')],
      [header, payload.replace(/}$/, ',"exp":99999999999}')],
    ] as const;
    for (const [head, body] of doubled) await expectRefused(call, forgeText(signed, head, body));
    expect((await call('GET', '/auth/verify', { bearer: forgeText(signed, header, payload) })).status).toBe(200);
  });

  it('refuses what is no JSON object of strict UTF-8', async () => {
    const header = JSON.stringify(decodeToken(ann.access).header);
    const payload = JSON.stringify(decodeToken(ann.access).claims);
    for (const [head, body] of [
      [header, '[]'],
      [header, 'null'],
      [header, `${payload}x`],
      [`\ufeff${header}`, payload],
      ['[]', payload],
      [header, ''],
    ] as const) {
      await expectRefused(call, forgeText(signed, head, body));
    }
    const input = `${encode(header)}.${encode(Buffer.from([0x7b, 0xff, 0x7d]))}`;
    await expectRefused(call, `${input}.${signed(input).toString('base64url')}`);
  });

  it('knows one spelling of a token: no padding, no other alphabet, no stray bits, no fourth part', async () => {
    const [header = '', payload = '', signature = ''] = ann.access.split('.');
    const last = signature.at(-1) ?? '';
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    // 32 bytes are 43 characters, the last of which has two bits that mean nothing.
    const sameBytes =
      signature.slice(0, -1) + alphabet[(alphabet.indexOf(last) & ~3) | ((alphabet.indexOf(last) + 1) & 3)];
    expect(Buffer.from(sameBytes, 'base64url').equals(Buffer.from(signature, 'base64url'))).toBe(true);
    for (const token of [
      `${header}.${payload}.${sameBytes}`,
      `${header}.${payload}.${signature}=`,
      `${header}=.${payload}.${signature}`,
      `${header}.${payload}.${signature}.`,
      `${header}.${payload}.${signature}.x`,
      `${header}.${payload}.`,
      `${header}..${signature}`,
      `.${payload}.${signature}`,
      `${header}.${payload}.${Buffer.from(signature, 'base64url').toString('base64')}`,
    ]) {
      const answer = await call('GET', '/auth/verify', { bearer: token });
      // What is not even `b64token` (RFC 6750 §2.1) is told so.
      const code = /=\./.test(token) ? 'authorization_malformed' : 'token_invalid';
      expectProblem(answer, code);
    }
  });

  it('refuses a token that is signed well but names no living session, user or epoch', async () => {
    const other = await signUp(call);
    const otherSid = decodeToken(other.access).claims['sid'];
    for (const claims of [
      { sid: otherSid },
      { sid: '01a20131-8d90-706e-a241-de063c36a7cc' },
      { sid: undefined },
      { sub: other.userId },
      { uep: 0 },
      { uep: 99 },
      { uep: '1' },
      { uep: undefined },
    ]) {
      const answer = await call('GET', '/auth/verify', { bearer: forge(claims) });
      expect([claims, answer.status]).toEqual([claims, 401]);
    }
  });

  it('gives nobody a role that the store does not give: the answer is the account, not the token', async () => {
    const token = forge({ roles: ['admin'], permissions: ['*'], email: 'admin@example.org' });
    const answer = await call('GET', '/auth/me', { bearer: token });
    expect(answer.body['user']).toMatchObject({ roles: ['user'], permissions: [], email: ann.person.email });
  });
});

describe('at an issuer with RS256', () => {
  it('refuses HS256 that is signed with the public key, in any encoding of it', async () => {
    const issuer = await startIssuer({ JWT_ALGORITHM: 'RS256' });
    const call = httpClient(issuer.url);
    const { access } = await signUp(call);
    expect((await call('GET', '/auth/verify', { bearer: access })).status).toBe(200);
    const pem = (await call('GET', '/auth/public-key')).text;
    const jwks = (await call('GET', '/.well-known/jwks.json')).body as { readonly keys: readonly Json[] };
    const key = createPublicKey(pem);
    const pkcs1 = key.export({ type: 'pkcs1', format: 'pem' }).toString();
    const secrets = [
      pem,
      pem.trim(),
      pem.replaceAll('\n', '\r\n'),
      pem.replace(/-----[^-]+-----|\n/g, ''),
      key.export({ type: 'spki', format: 'der' }),
      pkcs1,
      pkcs1.trim(),
      key.export({ type: 'pkcs1', format: 'der' }),
      JSON.stringify(jwks),
      JSON.stringify(jwks.keys[0]),
      String(jwks.keys[0]?.['n']),
      Buffer.from(String(jwks.keys[0]?.['n']), 'base64url'),
      String(jwks.keys[0]?.['kid']),
      createHash('sha256').update(pem).digest(),
      '',
    ];
    for (const secret of secrets) {
      for (const alg of ['HS256', 'HS512', 'hs256']) {
        const signer = hmacSigner(secret, alg === 'HS512' ? 'sha512' : 'sha256');
        await expectRefused(call, changeToken(access, signer, {}, { alg }));
        await expectRefused(call, changeToken(access, signer, {}, { alg: 'RS256' }));
      }
    }
    for (const alg of algNone) {
      const answer = await call('GET', '/auth/verify', {
        bearer: changeToken(access, () => Buffer.alloc(0), {}, { alg }),
      });
      expectProblem(answer, 'token_invalid', 'Invalid or expired token');
    }
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await expectRefused(
      call,
      changeToken(access, (input) => sign('sha256', Buffer.from(input), privateKey)),
    );
    await issuer.remove();
  });
});
