/** contracts/edge-gateway.md as a client and a backend see it: through the gateway, over HTTP, with every server its own process. */
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openMaintenance } from '@sallyport/auth/maintenance';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isOnRedis } from '../testing/database.ts';
import { type EdgeGateway, edgeFolder, startEdgeGateway } from '../testing/edge-gateway.ts';
import { decodeToken } from '../testing/forge.ts';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { newInstallation } from '../testing/microservices.ts';
import { type LoggedIn, login, newPerson, register, signUp, tokensOf } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

let system: EdgeGateway;
let call: Call;

const start = async (
  settings: Parameters<typeof startEdgeGateway>[0],
  installation = newInstallation(edgeFolder()),
) => {
  system = await startEdgeGateway(settings, installation);
  call = httpClient(system.gateway.url);
};
const refresh = (token: unknown): Promise<Answer> => call('POST', '/auth/refresh', { body: { refresh_token: token } });
const whoami = (bearer: string): Promise<Answer> => call('GET', '/api/whoami', { bearer });

/** Until the gateway refuses the token: REVOCATION_BOUND_SECONDS. */
const untilRefused = async (bearer: string): Promise<Answer> => {
  const deadline = performance.now() + 1000;
  for (;;) {
    const answer = await whoami(bearer);
    if (answer.status !== 200 || performance.now() > deadline) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

const setRoles = async (email: string, roles: readonly string[], permissions: readonly string[]): Promise<void> => {
  const maintenance = await openMaintenance(system.installation.folder.settings);
  try {
    if ((await maintenance.setRoles(email, roles, permissions)) === undefined) throw new Error(`no account ${email}`);
  } finally {
    await maintenance.close();
  }
};

describe('as the preset comes: RS256, rotation on', () => {
  beforeAll(() => start({ issuer: { REFRESH_OVERLAP_SECONDS: '0' } }));
  afterAll(() => system.remove());

  it('registers and logs in as in microservices', async () => {
    const person = newPerson();
    const { email, password, name } = person;
    expect(await register(call, person)).toMatchObject({
      status: 201,
      body: { message: 'User registered successfully', user: { id: expect.any(String), email, name } },
    });
    expectProblem(await register(call, person), 'account_exists', 'User with this email already exists');
    const bare = await call('POST', '/auth/register', { body: { email, password } });
    expectProblem(bare, 'field_missing', 'Email, password, and name are required');
    const wrong = await call('POST', '/auth/login', { body: { email, password: 'wrong horse battery' } });
    expectProblem(wrong, 'credentials_invalid', 'Invalid credentials');
    const { answer, userId } = await login(call, person);
    expect(answer.body).toMatchObject({
      message: 'Login successful',
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 60 * 30,
      user: { id: userId, email, name },
    });
  });

  it('puts the user, roles and permissions into an RS256 token of 30 minutes', async () => {
    const { access, userId, person } = await signUp(call);
    await setRoles(person.email, ['editor', 'admin'], ['documents:read', 'documents:delete']);
    const changed = await login(call, person);
    expect(decodeToken(access).header).toMatchObject({ alg: 'RS256', typ: 'at+jwt' });
    const { claims } = decodeToken(changed.access);
    expect(claims).toMatchObject({
      user_id: userId,
      sub: userId,
      roles: ['editor', 'admin'],
      permissions: ['documents:read', 'documents:delete'],
      iss: 'auth-service',
    });
    expect(claims['exp']).toBe(Number(claims['iat']) + 1800);
    const jwks = await call('GET', '/.well-known/jwks.json');
    expect(jwks.body['keys']).toEqual([
      expect.objectContaining({ kty: 'RSA', kid: decodeToken(access).header['kid'] }),
    ]);
  });

  it('lets roles and permissions in at the edge, tells the backend of them, and a change of roles asks for a refresh', async () => {
    const { access, refresh: token, userId, person } = await signUp(call);
    expect((await whoami(access)).body).toEqual({
      user_id: userId,
      email: person.email,
      roles: ['user'],
      permissions: [],
    });
    const made = await call('POST', '/api/documents', { bearer: access, body: { title: 'One', text: 'x' } });
    const { id } = made.body['document'] as { readonly id: string };
    expect([made.status, (await call('GET', '/api/documents', { bearer: access })).text]).toEqual([
      201,
      JSON.stringify({ documents: [{ id, title: 'One', text: 'x' }] }),
    ]);
    for (const body of [{ title: 'x' }, { title: '', text: '' }, { title: 'x', text: '', owner: 'me' }, []]) {
      expectProblem(await call('POST', '/api/documents', { bearer: access, body }), 'field_invalid');
    }
    expectProblem(await call('GET', '/api/admin/summary', { bearer: access }), 'permission_denied');
    expectProblem(await call('DELETE', `/api/documents/${id}`, { bearer: access }), 'permission_denied');

    await setRoles(person.email, ['user', 'admin'], ['documents:delete']);
    expectProblem(await untilRefused(access), 'token_stale');
    const fresh = tokensOf(await refresh(token)).access;
    expect((await whoami(fresh)).body).toMatchObject({ roles: ['user', 'admin'], permissions: ['documents:delete'] });
    expect((await call('GET', '/api/admin/summary', { bearer: fresh })).status).toBe(200);
    expect((await call('DELETE', `/api/documents/${id}`, { bearer: fresh })).status).toBe(204);
  });

  it('refreshes by replacing the token; a used one ends its family, and no other', async () => {
    const first = await signUp(call);
    const other = await login(call, first.person);
    const answer = await refresh(first.refresh);
    expect(answer).toMatchObject({
      status: 200,
      body: { access_token: expect.any(String), token_type: 'Bearer', expires_in: 1800 },
    });
    const next = tokensOf(answer);
    expect(next.refresh).not.toBe(first.refresh);
    expect((await whoami(next.access)).status).toBe(200);

    expectProblem(await refresh(first.refresh), 'refresh_reused');
    expectProblem(await refresh(next.refresh), 'refresh_reused');
    expectProblem(await untilRefused(next.access), 'token_revoked');
    expect((await whoami(other.access)).status).toBe(200);
    expect((await refresh(other.refresh)).status).toBe(200);
  });

  it('refuses a bad refresh token with 401 and a missing one with 400', async () => {
    expectProblem(await refresh('nonsense'), 'refresh_invalid');
    expect((await refresh('A'.repeat(74))).status).toBe(401);
    for (const body of [undefined, {}, { refresh_token: '' }]) {
      const answer = await call('POST', '/auth/refresh', body === undefined ? {} : { body });
      expect(answer.status).toBe(400);
    }
  });

  it('revokes a token with its family; an unknown, an old and a dead one are answered alike', async () => {
    const { access, refresh: token } = await signUp(call);
    const next = tokensOf(await refresh(token));
    const revoke = (given: unknown) => call('POST', '/auth/revoke', { body: { refresh_token: given } });
    for (const given of ['unknown', 'A'.repeat(74), next.refresh, next.refresh, token]) {
      expect(await revoke(given)).toMatchObject({ status: 200, body: { message: 'Token revoked successfully' } });
    }
    expectProblem(await refresh(next.refresh), 'session_revoked');
    expectProblem(await untilRefused(access), 'token_revoked');
  });

  it('logs out everywhere with the bearer alone', async () => {
    const first = await signUp(call);
    const second = await login(call, first.person);
    expect((await call('POST', '/auth/logout-all')).status).toBe(401);
    const answer = await call('POST', '/auth/logout-all', { bearer: first.access });
    expect(answer).toMatchObject({ status: 200, body: { message: 'logged out from all devices' } });
    for (const { refresh: token } of [first, second]) expectProblem(await refresh(token), 'session_revoked');
    for (const { access } of [first, second]) expectProblem(await untilRefused(access), 'token_revoked');
  });

  it('keeps an audit record of login, failed login, refresh and revoke, with address and agent', async () => {
    const { person, userId, refresh: token } = await signUp(call);
    await call('POST', '/auth/login', { body: { email: person.email, password: 'wrong horse battery' } });
    const next = tokensOf(await refresh(token));
    await call('POST', '/auth/revoke', { body: { refresh_token: next.refresh } });
    const recorded = async (): Promise<readonly (readonly unknown[])[]> =>
      (
        await system.installation.folder.database.query(
          `SELECT event_type, address, user_agent FROM audit WHERE user_id = '${userId}' ORDER BY effect_id`,
        )
      ).map((row) => [row['event_type'], row['address'], row['user_agent']]);
    await expect
      .poll(recorded, { timeout: 3000 })
      .toEqual(
        ['register', 'login', 'login_failed', 'refresh', 'revoke'].map((event) => [
          event,
          '127.0.0.1',
          'sallyport-tests/1',
        ]),
      );
  });

  it('is the one public door: neither private routes nor the backend’s own health go through it', async () => {
    for (const path of ['/metrics', '/v1/revocations', '/openapi.json', '/docs', '/other']) {
      expectProblem(await call('GET', path), 'route_unknown');
    }
    expect((await call('GET', '/health')).body).toEqual({ status: 'healthy', service: 'api-gateway' });
    expectProblem(await call('GET', '/api/whoami'), 'token_missing');
  });
});

describe('with the names of its own settings', () => {
  /** RS256 with PEM files, as the contract names them. */
  const pemFiles = (folder: string) => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const [privatePath, publicPath] = [join(folder, 'private.pem'), join(folder, 'public.pem')];
    writeFileSync(privatePath, privateKey.export({ type: 'pkcs1', format: 'pem' }));
    writeFileSync(publicPath, publicKey.export({ type: 'spki', format: 'pem' }));
    return { privatePath, publicPath };
  };
  const names = {
    JWT_EXPIRATION_MINUTES: '2',
    JWT_REFRESH_EXPIRATION_DAYS: '3',
    JWT_REFRESH_ROTATION_ENABLED: 'false',
  };
  let ann: LoggedIn;
  const tells = async (algorithm: string): Promise<void> => {
    ann = await signUp(call);
    const { header, claims } = decodeToken(ann.access);
    expect(header['alg']).toBe(algorithm);
    expect([ann.answer.body['expires_in'], Number(claims['exp']) - Number(claims['iat'])]).toEqual([120, 120]);
    expect((await whoami(ann.access)).status).toBe(200);
  };

  it('RS256 from PEM files: lifetimes as set; without rotation the answer carries the same refresh token', async () => {
    const folder = edgeFolder();
    const { privatePath, publicPath } = pemFiles(folder.path);
    const shared = { JWT_ALGORITHM: 'RS256', JWT_PUBLIC_KEY_PATH: publicPath, JWT_SECRET: '', ...names };
    await start({ issuer: { ...shared, JWT_PRIVATE_KEY_PATH: privatePath }, gateway: shared }, newInstallation(folder));
    try {
      await tells('RS256');
      for (let count = 0; count < 3; count += 1) {
        const answer = await refresh(ann.refresh);
        expect(answer.body).toMatchObject({ refresh_token: ann.refresh, token_type: 'Bearer', expires_in: 120 });
      }
      if (isOnRedis) return;
      const [row] = await folder.database.query(
        'SELECT idle_expires_at_ms - created_at_ms AS life FROM sessions ORDER BY created_at_ms DESC LIMIT 1',
      );
      expect(row?.['life']).toBe(3 * 86_400_000);
    } finally {
      await system.remove();
    }
  });

  it('HS256 with JWT_SECRET_KEY; after the change to RS256 its tokens go on until they expire', async () => {
    const folder = edgeFolder();
    const { JWT_SECRET = '' } = folder.settings;
    const shared = { JWT_ALGORITHM: 'HS256', JWT_SECRET: '', JWT_SECRET_KEY: JWT_SECRET, ...names };
    const installation = newInstallation(folder);
    await start({ issuer: shared, gateway: shared }, installation);
    try {
      await tells('HS256');
      await system.stop();
      const changed = { JWT_SECRET: '', JWT_SECRET_PREVIOUS: JWT_SECRET, ...names };
      await start({ issuer: changed, gateway: changed }, installation);
      // Before its first snapshot of revocations a gateway lets nobody in.
      await expect.poll(async () => (await whoami(ann.access)).status).toBe(200);
      const fresh = tokensOf(await refresh(ann.refresh)).access;
      expect(decodeToken(fresh).header['alg']).toBe('RS256');
      expect((await whoami(fresh)).status).toBe(200);
      expect((await call('POST', '/auth/logout-all', { bearer: ann.access })).status).toBe(200);
      for (const access of [ann.access, fresh]) expectProblem(await untilRefused(access), 'token_revoked');
    } finally {
      await system.remove();
    }
  });
});
