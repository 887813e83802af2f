/** Who is let in at the admin API: a service with a credential that lives and has the scope. Nobody else, and by no other way. */
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { pathToFileURL } from 'node:url';
import { openMaintenance } from '@sallyport/auth/maintenance';
import { type AdminScope, adminScopes } from '@sallyport/contract';
import { type AdminRouteDefinition, adminBasePath, adminRoutes } from '@sallyport/contract/admin-routes';
import { systemRandom } from '@sallyport/kit/random';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sabotagedIssuer } from '../prove/sabotaged-issuer.ts';
import { openDesk, type TestDesk } from '../testing/credentials.ts';
import { type Answer, type Call, httpClient, type Sent } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { login, newPerson, signUp } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

const patience = { timeout: 20_000, interval: 50 } as const;
const limitPerMinute = 40;

let issuer: Issuer;
let desk: TestDesk;
let admin: Call;

beforeAll(async () => {
  issuer = await startIssuer({
    ...{ ADMIN_PORT: '0', ADMIN_LIMIT_PER_MINUTE: String(limitPerMinute) },
    // Events go to the log, and tell of whom they are.
    EVENT_RELAY: 'off',
  });
  desk = await openDesk(issuer.folder);
  admin = httpClient(issuer.adminUrl);
});
afterAll(async () => {
  await desk.close();
  await issuer.remove();
});

const pathOf = ({ path }: AdminRouteDefinition): string =>
  `${adminBasePath}${path.replace(':id', systemRandom.uuidv7(Date.now())).replace(':kid', 'nothing')}`;
const users = (sent: Sent, call = admin): Promise<Answer> => call('GET', `${adminBasePath}/users?limit=1`, sent);
const rows = (where: string) =>
  issuer.folder.database.query(`SELECT event_type, actor, details FROM audit WHERE ${where} ORDER BY effect_id`);
/** What is the same in two answers but for the request that it is about. */
const said = ({ status, body }: Answer) => ({ ...body, status, instance: '' });

describe('every route', () => {
  it('asks for a credential before it looks at anything that was sent', async () => {
    for (const route of adminRoutes) {
      expectProblem(await admin(route.method, pathOf(route)), 'token_missing');
      const headers = { 'content-type': 'application/json' };
      expectProblem(await admin(route.method, pathOf(route), { body: '{', headers }), 'token_missing');
    }
  });

  it('asks for its own scope: with all others nothing is opened', async () => {
    const tokens = new Map<AdminScope, string>();
    for (const scope of adminScopes) {
      const scopes = adminScopes.filter((other) => other !== scope);
      tokens.set(scope, (await desk.create({ scopes })).token);
    }
    expect(new Set(adminRoutes.map(({ scope }) => scope))).toEqual(new Set(adminScopes));
    for (const route of adminRoutes) {
      const answer = await admin(route.method, pathOf(route), { bearer: tokens.get(route.scope) ?? '' });
      expectProblem(answer, 'scope_insufficient');
      expect(answer.body['scope']).toBe(route.scope);
    }
  });

  it('is on the admin listener alone, and there is none unless it is asked for', async () => {
    const { token: bearer } = await desk.create();
    for (const url of [issuer.url, issuer.privateUrl])
      for (const route of adminRoutes)
        expectProblem(await httpClient(url)(route.method, pathOf(route), { bearer }), 'route_unknown');
    for (const path of ['/metrics', '/health', '/v1/revocations', '/v1/audit', '/auth/login', '/openapi.json'])
      expectProblem(await admin('GET', path, { bearer }), 'route_unknown');
  });
});

describe('refused alike', () => {
  it('are credentials that are revoked, expired, unknown or not quite right', async () => {
    const [live, revoked, brief] = [await desk.create(), await desk.create(), await desk.create({ ttlSeconds: 1 })];
    expect((await users({ bearer: live.token })).status).toBe(200);
    expect((await users({ bearer: revoked.token })).status).toBe(200);
    await desk.revoke(revoked.id);
    const wrong = `${live.id}_${systemRandom.bytes(32).toString('base64url')}`;
    const moved = `${live.id}_${revoked.token.slice(16)}`;
    const unknown = wrong.replace(live.id, 'sp_000000000000');
    const answers: Answer[] = [];
    for (const bearer of [revoked.token, wrong, moved, unknown]) answers.push(await users({ bearer }));
    await expect
      .poll(async () => (await users({ bearer: brief.token })).status, { ...patience, interval: 400 })
      .toBe(401);
    answers.push(await users({ bearer: brief.token }));
    for (const answer of answers) {
      expectProblem(answer, 'credential_invalid');
      expect(said(answer)).toEqual(said(answers[0] as Answer));
    }
    expect((await users({ bearer: live.token })).status).toBe(200);
    const reasons = async () => {
      const refused = await rows("event_type = 'credential_refused'");
      return new Set(refused.map(({ details }) => (JSON.parse(String(details)) as { reason: string }).reason));
    };
    await expect.poll(reasons, patience).toEqual(new Set(['scope', 'revoked', 'unknown', 'expired']));
    const byScope = await rows("event_type = 'credential_refused' AND details LIKE '%scope%'");
    for (const { actor } of byScope) expect(actor).toMatch(/^sp_/);
  });

  it('are the tokens of an administrator, whatever he may do, and cookies', async () => {
    const call = httpClient(issuer.url);
    const { person } = await signUp(call);
    const maintenance = await openMaintenance(issuer.folder.settings);
    await maintenance.setRoles(person.email, ['admin'], [...adminScopes]);
    await maintenance.close();
    const { access, refresh } = await login(call, person);
    for (const bearer of [access, refresh]) expectProblem(await users({ bearer }), 'credential_invalid');
    expectProblem(await users({ headers: { authorization: `DPoP ${access}` } }), 'authorization_malformed');
    expectProblem(await users({ headers: { authorization: `Basic ${access}` } }), 'authorization_malformed');
    const { token } = await desk.create();
    for (const [header, value] of [
      ['cookie', `access_token=${token}`],
      ['origin', 'http://localhost:3000'],
      ['x-gateway-assertion', 'eyJhbGciOiJIUzI1NiJ9.e30.AA'],
    ] as const) {
      // Even beside a credential: no service sends them.
      expectProblem(await users({ headers: { [header]: value }, bearer: token }), 'header_invalid');
    }
    const twice = { headers: { authorization: [`Bearer ${token}`, `Bearer ${token}`] } };
    expectProblem(await users(twice), 'header_invalid');
    expectProblem(await admin('GET', `${adminBasePath}/users?access_token=${token}`), 'token_missing');
  });
});

it('a call whose body comes after the revocation of its credential changes nothing', async () => {
  const [maker, revoked] = [await desk.create(), await desk.create()];
  const { email, password } = newPerson();
  const made = await admin('POST', `${adminBasePath}/users`, {
    bearer: maker.token,
    body: { identifier: email, password },
  });
  const { id } = made.body['user'] as { readonly id: string };
  const body = JSON.stringify({ roles: ['admin'], permissions: [] });
  const headers = { authorization: `Bearer ${revoked.token}`, 'content-type': 'application/json' };
  const outgoing = request(new URL(`${adminBasePath}/users/${id}/roles`, issuer.adminUrl), {
    ...{ method: 'PUT', agent: false, headers: { ...headers, 'content-length': body.length } },
  });
  const answered = new Promise((resolve, reject) => {
    outgoing.on('response', (answer) => resolve(answer.resume().statusCode)).on('error', reject);
  });
  outgoing.write(body.slice(0, 5));
  // It has been let in: its use is noted before its body is read.
  const used = () => issuer.folder.database.query(`SELECT last_used_at_ms FROM credentials WHERE id = '${revoked.id}'`);
  await expect.poll(async () => (await used())[0]?.['last_used_at_ms'], patience).not.toBeNull();
  expect(await desk.revoke(revoked.id)).toBe(true);
  outgoing.end(body.slice(5));
  expect(await answered).toBe(401);
  const shown = await admin('GET', `${adminBasePath}/users/${id}`, { bearer: maker.token });
  expect(shown.body['user']).toMatchObject({ roles: ['user'] });
});

it('who may create accounts cannot create an administrator', async () => {
  const { token: bearer } = await desk.create({ scopes: ['users:write', 'users:read'] });
  const create = (more: object) => {
    const { email, password } = newPerson();
    return admin('POST', `${adminBasePath}/users`, { bearer, body: { identifier: email, password, ...more } });
  };
  for (const more of [{ roles: ['admin'] }, { permissions: ['audit:read'] }, { roles: ['user'], permissions: [] }])
    expectProblem(await create(more), 'scope_insufficient');
  const made = await create({ roles: [] });
  expect([made.status, made.body['user']]).toEqual([201, expect.objectContaining({ roles: ['user'] })]);
});

it('a credential calls as often as it may, exactly, and no other pays for it', async () => {
  const [greedy, other] = [await desk.create(), await desk.create()];
  const answers = await Promise.all(Array.from({ length: 60 }, () => users({ bearer: greedy.token })));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(limitPerMinute);
  for (const answer of answers.filter(({ status }) => status !== 200)) {
    expectProblem(answer, 'rate_limited');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  }
  expect((await users({ bearer: other.token })).status).toBe(200);
});

it('a flood of wrong credentials writes a bounded number of records, and shuts nobody out', async () => {
  const { token } = await desk.create();
  const flood = await Promise.all(
    Array.from({ length: 150 }, () =>
      users({ bearer: `sp_000000000000_${systemRandom.bytes(32).toString('base64url')}` }),
    ),
  );
  expect(flood.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(80);
  expect((await users({ bearer: token })).status).toBe(200);
  const refused = async () => (await rows("event_type = 'credential_refused'")).length;
  await expect.poll(async () => (await rows("event_type = 'limit_hit'")).length, patience).toBeGreaterThan(0);
  // Of one address 60 in any minute; a slow machine may have seen two of them go by.
  expect(await refused()).toBeLessThanOrEqual(120);
});

it('the text of a credential is nowhere: not on the disk, in no record, in no log line', async () => {
  const { id, token } = await desk.create();
  const { email, password } = newPerson();
  await admin('POST', `${adminBasePath}/users`, { bearer: token, body: { identifier: email, password } });
  expect((await users({ bearer: token })).status).toBe(200);
  await expect.poll(async () => (await rows(`actor = '${id}'`)).length, patience).toBe(2);
  const secret = Buffer.from(token.slice(16), 'base64url');
  const kept = await issuer.folder.database.allBytes();
  for (const bytes of [Buffer.from(token.slice(16)), secret, createHash('sha256').update(secret).digest(), password])
    expect(kept.includes(bytes)).toBe(false);
  expect(kept.includes(id)).toBe(true);
  const log = issuer.output();
  expect(log).toContain(id);
  for (const text of [token.slice(16), secret.toString('hex'), password, email]) expect(log).not.toContain(text);
});

it('twin: an issuer that looks no credential up lets in what is revoked, unknown, or without the scope', async () => {
  const twin = sabotagedIssuer({
    file: 'authenticate-service.ts',
    find: "if (token === undefined) return invalid('foreign');",
    replace: 'if (token !== undefined) return { id: token.id, scopes: [scope] };',
  });
  const broken = await startIssuer({ ADMIN_PORT: '0' }, undefined, pathToFileURL(twin.entry).href);
  const own = await openDesk(broken.folder);
  try {
    const [revoked, narrow] = [await own.create(), await own.create({ scopes: ['keys:read'] })];
    await own.revoke(revoked.id);
    const unknown = `sp_000000000000_${systemRandom.bytes(32).toString('base64url')}`;
    const call = httpClient(broken.adminUrl);
    for (const bearer of [revoked.token, narrow.token, unknown])
      expect((await users({ bearer }, call)).status).toBe(200);
  } finally {
    await own.close();
    await broken.remove();
    twin.remove();
  }
});
