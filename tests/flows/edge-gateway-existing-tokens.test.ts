/**
 * contracts/edge-gateway.md, "Existing tokens keep working", and what every backend is told: tokens as an older issuer wrote them, with
 * the key that the new one goes on with, towards the example backend and towards one that trusts the headers alone.
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EdgeGateway, edgeFolder, startEdgeGateway } from '../testing/edge-gateway.ts';
import { forgeText, type Json, type Sign } from '../testing/forge.ts';
import { type Call, httpClient } from '../testing/http-client.ts';
import { newInstallation, startGateway } from '../testing/microservices.ts';
import { signUp } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../testing/recording-upstream.ts';

let system: EdgeGateway;
let call: Call;
let signer: Sign;
/** A backend that trusts the headers alone, behind a gateway of its own on the same issuer. */
let trusting: RecordingUpstream;
let callTrusting: Call;
let stopTrusting: () => Promise<void>;

beforeAll(async () => {
  const folder = edgeFolder();
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  signer = (input) => sign('sha256', Buffer.from(input), privateKey);
  const [privatePath, publicPath] = [join(folder.path, 'private.pem'), join(folder.path, 'public.pem')];
  writeFileSync(privatePath, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(publicPath, publicKey.export({ type: 'spki', format: 'pem' }));
  const shared = { JWT_PUBLIC_KEY_PATH: publicPath };
  const installation = newInstallation(folder);
  system = await startEdgeGateway(
    { issuer: { ...shared, JWT_PRIVATE_KEY_PATH: privatePath }, gateway: shared },
    installation,
  );
  call = httpClient(system.gateway.url);
  trusting = await startRecordingUpstream();
  const second = await startGateway(installation, {
    ...shared,
    SALLYPORT_PRESET: 'edge-gateway',
    AUTH_SERVICE_URL: system.issuer.url,
    REVOCATION_FEED_URL: system.issuer.privateUrl,
    BACKEND_SERVICE_URL: trusting.url,
  });
  callTrusting = httpClient(second.url);
  stopTrusting = () => second.stop();
});
afterAll(async () => {
  await stopTrusting();
  trusting.close();
  await system.remove();
});

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** As an older issuer wrote it: no aud, jti, sid, kid; `header` undefined members are left out. */
const older = (claims: Json = {}, header: Json = { typ: 'JWT' }): string =>
  forgeText(
    signer,
    JSON.stringify({ alg: 'RS256', ...header }),
    JSON.stringify({ iss: 'auth-service', user_id: '17', iat: nowSeconds() - 5, exp: nowSeconds() + 600, ...claims }),
  );
const whoami = (bearer: string, headers: Readonly<Record<string, string | string[]>> = {}) =>
  call('GET', '/api/whoami', { bearer, headers });

/** What the trusting backend is told of a token: its identity headers. */
const told = async (bearer: string, headers: Readonly<Record<string, string>> = {}): Promise<Json> => {
  const answer = await callTrusting('GET', '/api/whoami', { bearer, headers });
  if (answer.status !== 200) return { refused: answer.body['code'] };
  const received = trusting.received.at(-1)?.headers ?? {};
  return Object.fromEntries(['x-user-id', 'x-roles', 'x-permissions'].map((name) => [name, received[name]]));
};

describe('an existing token', () => {
  it.each([
    ['typ JWT', { typ: 'JWT' }],
    ['typ jwt', { typ: 'jwt' }],
    ['no typ', {}],
  ])('with %s, and without aud, jti, sid and kid, passes to the backend', async (_name, header) => {
    const answer = await whoami(older({ roles: ['editor'] }, header));
    expect(answer).toMatchObject({ status: 200, body: { user_id: '17', roles: ['editor'], permissions: [] } });
    const bearer = older({ user_id: `u-${_name}` }, header);
    expect((await call('POST', '/api/documents', { bearer, body: { title: 'x', text: '' } })).status).toBe(201);
  });

  it.each([
    ['a refresh token by its typ', {}, { typ: 'rt+jwt' }],
    ['a refresh token by its payload', { token_type: 'refresh' }, { typ: 'JWT' }],
    ['an ID token', { aud: 'sallyport', nonce: 'n', at_hash: 'x' }, { typ: 'JWT' }],
    ['an ID token by its typ', {}, { typ: 'id+jwt' }],
    ['a logout token', { events: {} }, {}],
    ['an assertion', {}, { typ: 'gw-assertion+jwt' }],
    ['a token for somebody else', { aud: 'another-api' }, { typ: 'JWT' }],
    ['a token of an issuer that is not configured', { iss: 'someone' }, { typ: 'JWT' }],
    ['a token without an end', { exp: undefined }, { typ: 'JWT' }],
    ['a token without a user', { user_id: undefined }, { typ: 'JWT' }],
    ['an unsigned token', {}, { alg: 'none' }],
  ] as const)('%s is refused', async (_name, claims, header) => {
    expectProblem(await whoami(older(claims, header)), 'token_invalid');
  });

  it('that has expired is refused as such', async () => {
    expectProblem(await whoami(older({ exp: nowSeconds() - 60 })), 'token_expired');
  });

  it('is revoked by user, and by that alone', async () => {
    const ann = await signUp(call);
    const bob = await signUp(call);
    const [annOlder, bobOlder] = [ann, bob].map(({ userId }) => older({ user_id: userId }));
    expect((await whoami(annOlder ?? '')).status).toBe(200);
    // One of her sessions ends: the older token belongs to none.
    await call('POST', '/auth/revoke', { body: { refresh_token: ann.refresh } });
    expect((await whoami(annOlder ?? '')).status).toBe(200);
    const again = await call('POST', '/auth/login', {
      body: { email: ann.person.email, password: ann.person.password },
    });
    await call('POST', '/auth/logout-all', { bearer: String(again.body['access_token']) });
    await expect.poll(async () => (await whoami(annOlder ?? '')).body['code'], { timeout: 1000 }).toBe('token_revoked');
    expect((await whoami(bobOlder ?? '')).status).toBe(200);
  });
});

describe('roles and permissions', () => {
  const roles = 'editor,admin';
  it.each<[string, unknown]>([
    ['an array', ['editor', 'admin']],
    ['an array with empty items and duplicates', ['editor', '', 'admin', 'editor']],
    ['commas', 'editor,admin'],
    ['white space', 'editor admin'],
    ['both, mixed', ' ,editor,\t admin ,,\n editor '],
  ])('as %s are one and the same to every backend', async (_name, value) => {
    const token = older({ roles: value, permissions: value });
    expect(await told(token)).toEqual({ 'x-user-id': '17', 'x-roles': roles, 'x-permissions': roles });
    expect((await whoami(token)).body).toMatchObject({ roles: ['editor', 'admin'], permissions: ['editor', 'admin'] });
  });

  it.each<[string, unknown]>([
    ['a space inside an item', ['editor', 'super admin']],
    ['a comma inside an item', ['editor,admin']],
    ['a tab inside an item', ['editor\tadmin']],
    ['a no-break space inside an item', ['editor\u00a0admin']],
    ['a line end inside an item', ['editor\r\nX-Roles: admin']],
    ['a number', [7]],
    ['an object', { admin: true }],
  ])('with %s the token is refused', async (_name, value) => {
    for (const claim of ['roles', 'permissions']) {
      expectProblem(await whoami(older({ [claim]: value })), 'token_invalid');
    }
  });

  it('that are absent have no header; the user is user_id, else sub', async () => {
    expect(await told(older())).toEqual({ 'x-user-id': '17', 'x-roles': undefined, 'x-permissions': undefined });
    expect(await told(older({ user_id: undefined, sub: 'ann' }))).toMatchObject({ 'x-user-id': 'ann' });
    expect(await told(older({ user_id: 17, sub: 'ann@example.org' }))).toMatchObject({ 'x-user-id': '17' });
    expect(await told(older({ roles: ['a'] }))).toMatchObject({ 'x-roles': 'a', 'x-permissions': undefined });
  });
});

describe('what a client writes under those names', () => {
  const marks = ['-', '_', '.', '~', '!', '*', "'", '|', '`', '^', '+', '$', '&', '#', '%'];
  const names = ['X-User-Id', 'X-Roles', 'X-Permissions', 'X-Role', 'X-Permission', 'X-User'];
  const spellings = names.flatMap((name) =>
    marks.flatMap((mark, at) => {
      const spelled = name.replaceAll('-', mark);
      return at % 2 === 0 ? [spelled, spelled.toLowerCase()] : [spelled.toUpperCase()];
    }),
  );
  /** Within what one request may have of lines. */
  const batches = Array.from({ length: Math.ceil(spellings.length / 40) }, (_, at) =>
    Object.fromEntries(spellings.slice(at * 40, at * 40 + 40).map((name) => [name, 'admin'])),
  );

  it('reaches no backend in any folding: neither the one that trusts headers', async () => {
    const token = older({ roles: ['reader'] });
    for (const headers of batches) {
      await told(token, headers);
      const received = trusting.received.at(-1)?.headers ?? {};
      expect(Object.values(received)).not.toContain('admin');
      expect([received['x-user-id'], received['x-roles'], received['x-permissions']]).toEqual([
        '17',
        'reader',
        undefined,
      ]);
    }
  });

  it('nor the example backend, which reads none of them, also past the gateway', async () => {
    const bearer = older({ roles: ['reader'] });
    const direct = httpClient(system.backend.url);
    for (const headers of batches) {
      expect((await whoami(bearer, headers)).body).toEqual({ user_id: '17', roles: ['reader'], permissions: [] });
      expectProblem(await direct('GET', '/api/whoami', { headers }), 'assertion_missing');
      expectProblem(await direct('GET', '/api/admin/summary', { bearer, headers }), 'assertion_missing');
    }
    expectProblem(
      await call('GET', '/api/admin/summary', { bearer, headers: { 'X-Roles': 'admin' } }),
      'permission_denied',
    );
  });
});
