/** AUDIT_MODE=write-ahead: whatever a request would change is written down first, in a real MariaDB, or it does not happen. */
import { pathToFileURL } from 'node:url';
import { changesSomething, issuerRoutes, type RouteDefinition, routePath } from '@sallyport/contract/routes';
import { isMariaDbMissing, type MariaDbServer, startMariaDb } from '@sallyport/storage/mysql/testing';
import { inMySql } from '@sallyport/storage/mysql/testing/raw';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sabotagedIssuer } from '../prove/sabotaged-issuer.ts';
import { rowCounts } from '../testing/database.ts';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { login, newPerson, type Person, signUp } from '../testing/people.ts';

const patience = { timeout: 25_000, interval: 100 } as const;
const routes = issuerRoutes({ identifier: 'email', requiredFields: ['name'], optionalFields: [] });

/** What each route wants to see before it would do anything. */
const bodyOf = (route: RouteDefinition, person: Person, refresh: string): object | undefined => {
  const { email, password } = person;
  const bodies: Readonly<Partial<Record<RouteDefinition['id'], object>>> = {
    register: newPerson(),
    login: { email, password },
    changePassword: { current_password: password, new_password: newPerson().password },
  };
  return bodies[route.id] ?? (route.body === undefined ? undefined : { refresh_token: refresh });
};

describe.skipIf(isMariaDbMissing())('write-ahead', () => {
  let server: MariaDbServer;
  let issuer: Issuer;
  let call: Call;
  beforeAll(async () => {
    server = await startMariaDb();
    issuer = await startIssuer({ AUDIT_MODE: 'write-ahead', AUDIT_DATABASE_URL: server.url, REFRESH_ROTATION: 'on' });
    call = httpClient(issuer.url);
  });
  afterAll(async () => {
    await issuer.remove();
    await server.stop();
  });
  const typesAbout = async (requestIds: string) =>
    (
      await inMySql(server.url, `SELECT event_type, details FROM audit_logs WHERE ${requestIds} ORDER BY effect_id`)
    ).map(({ event_type: type, details }) => ({
      type,
      details: JSON.parse(String(details)) as Record<string, unknown>,
    }));

  it('has an intent before each act, and what became of it afterwards', async () => {
    const { userId } = await signUp(call);
    const failed = await call('POST', '/auth/login', {
      body: { email: 'nobody@example.org', password: 'wrong horse' },
    });
    expect(failed.status).toBe(401);
    const ofUser = `request_id IN (SELECT request_id FROM (SELECT request_id FROM audit_logs WHERE user_id = '${userId}') own)`;
    await expect
      .poll(async () => (await typesAbout(ofUser)).map(({ type }) => type).sort(alphabetically), patience)
      .toEqual(['intent', 'intent', 'login', 'outcome', 'outcome', 'register']);
    const refusals = () => typesAbout("event_type = 'outcome' AND details LIKE '%credentials_invalid%'");
    await expect.poll(refusals, patience).toMatchObject([{ details: { act: 'login', done: false } }]);
  });

  it('refuses every route that would change something, changes nothing, and goes on when the store is back', async () => {
    const { person, access, refresh } = await signUp(call);
    const other = await login(call, person);
    const { database } = issuer.folder;
    await server.kill();
    const before = await rowCounts(database);
    const changing = routes.filter(changesSomething);
    expect(changing.length).toBeGreaterThan(8);
    for (const route of changing) {
      const body = bodyOf(route, person, refresh);
      const path = routePath(route, '/auth').replace(':id', String(sessionOf(other.access)));
      const answer = await call(route.method, path, { ...(route.bearer && { bearer: access }), ...(body && { body }) });
      expect([route.id, answer.status, answer.body['code']]).toEqual([route.id, 503, 'audit_unavailable']);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    }
    // Reading needs no record.
    expect((await call('GET', '/auth/me', { bearer: access })).status).toBe(200);
    expect(await rowCounts(database)).toEqual(before);
    await server.restart();
    const refreshed = (): Promise<Answer> => call('POST', '/auth/refresh', { body: { refresh_token: refresh } });
    await expect.poll(async () => (await refreshed()).status, patience).toBe(200);
    expect((await call('GET', '/auth/me', { bearer: other.access })).status).toBe(200);
    await login(call, person);
  });

  it('is what holds the act back: a twin without it logs in (sabotaged twin)', async () => {
    const twin = sabotagedIssuer({
      file: 'mount.ts',
      find: 'changesSomething(route) ? writtenDown(route, given, options) : given',
      replace: 'changesSomething(route) && false ? writtenDown(route, given, options) : given',
    });
    const settings = { AUDIT_MODE: 'write-ahead', AUDIT_DATABASE_URL: 'mysql://root@127.0.0.1:9/audit' };
    const [blind, sound] = await Promise.all([
      startIssuer(settings, undefined, pathToFileURL(twin.entry).href),
      startIssuer(settings),
    ]);
    try {
      const register = (url: string) => httpClient(url)('POST', '/auth/register', { body: newPerson() });
      expect((await register(blind.url)).status).toBe(201);
      expect((await register(sound.url)).status).toBe(503);
    } finally {
      await blind.remove();
      await sound.remove();
      twin.remove();
    }
  });
});

const sessionOf = (access: string): unknown =>
  (JSON.parse(Buffer.from(access.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>)['sid'];

const alphabetically = (a: unknown, b: unknown): number => (String(a) < String(b) ? -1 : 1);
