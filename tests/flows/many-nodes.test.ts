/** Several issuers and gateways on one database, as a load balancer would have them: no node knows anything alone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isPostgresMissing, type PostgresServer, startPostgres } from '@sallyport/storage/postgres/testing';
import { rawConnection } from '@sallyport/storage/postgres/testing/raw';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChildServer, type Settings, startServer } from '../testing/child-server.ts';
import { decodeToken } from '../testing/forge.ts';
import { freePort } from '../testing/free-ports.ts';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { newInstallation, startGateway } from '../testing/microservices.ts';
import { login, newPerson, register } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

const schema = 'many';
/** CLOCK_LEEWAY_SECONDS, its default: so far apart any two clocks may be. */
const apartSeconds = 30;
const boundMs = 1000;

describe.skipIf(isPostgresMissing())('many nodes on one PostgreSQL', () => {
  const installation = newInstallation();
  const { folder } = installation;
  let server: PostgresServer;
  let issuers: readonly Issuer[] = [];
  let gateways: readonly ChildServer[] = [];
  let users: ChildServer | undefined;
  let settings: Settings = {};

  const ahead: Settings = { SALLYPORT_CLOCK_OFFSET_SECONDS: String(apartSeconds) };
  const signing: Settings = { JWT_ALGORITHM: 'ES256', JWT_SECRET: '' };

  beforeAll(async () => {
    server = await startPostgres();
    settings = { ...signing, DATABASE_URL: server.url, DATABASE_SCHEMA: schema, REFRESH_ROTATION: 'on' };
    const assertionKeys = (service: string) => ({ GATEWAY_ASSERTION_KEYS: installation.assertionKeys(service) });
    // All at the same moment, on a database that none of them has seen: every other one with a clock that is ahead.
    issuers = await Promise.all(
      [0, 1, 2, 3, 4].map((place) =>
        startIssuer({ ...settings, ...assertionKeys('auth-service'), ...(place % 2 === 1 && ahead) }, folder),
      ),
    );
    users = await startServer(
      import.meta.resolve('@sallyport/example-microservices/user/main'),
      {
        PORT: String(await freePort()),
        SALLYPORT_DATA_DIR: folder.path,
        AUTH_SERVICE_URL: issuer(0).url,
        ...assertionKeys('user-service'),
      },
      folder.path,
    );
    gateways = await Promise.all([gatewayOf(issuer(1), {}), gatewayOf(issuer(2), ahead)]);
  });
  afterAll(async () => {
    const others: readonly ChildServer[] = [...gateways, ...issuers.slice(1), ...(users === undefined ? [] : [users])];
    await Promise.all(others.map((one) => one.stop()));
    await issuers[0]?.remove();
    await server.stop();
  });

  const issuer = (place: number): Issuer => {
    const found = issuers[place];
    if (found === undefined) throw new Error('not started');
    return found;
  };
  const gatewayOf = ({ url, privateUrl }: Issuer, given: Settings): Promise<ChildServer> =>
    startGateway(installation, {
      ...signing,
      AUTH_SERVICE_URL: url,
      REVOCATION_FEED_URL: privateUrl,
      USER_SERVICE_URL: users?.url ?? '',
      ...given,
    });
  const profileAt = ({ url }: ChildServer, bearer: string): Promise<Answer> =>
    httpClient(url)('GET', '/api/v1/users/profile', { bearer });

  it('five that boot at once make one key set, one schema and one store', async () => {
    const sets = await Promise.all(
      issuers.map(async ({ url }) => (await httpClient(url)('GET', '/.well-known/jwks.json')).body),
    );
    expect(sets[0]).toMatchObject({ keys: [{ alg: 'ES256' }] });
    for (const set of sets) expect(set).toEqual(sets[0]);
    const database = rawConnection(server.url, schema);
    try {
      const { rows } = await database.run(`SELECT (SELECT count(*)::int FROM realms) AS realms,
        (SELECT count(*)::int FROM signing_keys) AS keys,
        (SELECT count(*)::int FROM store_meta WHERE key = 'incarnation') AS incarnations`);
      expect(rows[0]).toEqual({ realms: 1, keys: 1, incarnations: 1 });
    } finally {
      await database.close();
    }
  });

  it('a session begun at one is renewed at each other, and its tokens pass each gateway, with clocks 30 s apart', async () => {
    const person = newPerson();
    const [first, ...others] = issuers.map(({ url }) => httpClient(url));
    const begin = first as Call;
    await register(begin, person);
    let { access, refresh } = await login(begin, person);
    for (const call of [begin, ...others]) {
      const renewed = await call('POST', '/auth/refresh', { body: { refresh_token: refresh } });
      expect(renewed.status).toBe(200);
      access = String(renewed.body['access_token']);
      refresh = String(renewed.body['refresh_token']);
      for (const gateway of gateways) expect((await profileAt(gateway, access)).status).toBe(200);
      expect((await call('GET', '/auth/verify', { bearer: access })).status).toBe(200);
    }
    const iats = [access, (await login(others[0] as Call, person)).access].map((token) =>
      Number(decodeToken(token).claims['iat']),
    );
    expect(Math.abs((iats[0] ?? 0) - (iats[1] ?? 0))).toBeGreaterThanOrEqual(apartSeconds - 2);
  });

  it('what one issuer has ended is refused by every gateway within the bound, whichever issuer it listens to', async () => {
    const call = httpClient(issuer(4).url);
    const person = newPerson();
    await register(call, person);
    const { access, refresh } = await login(call, person);
    for (const gateway of gateways) expect((await profileAt(gateway, access)).status).toBe(200);
    expect((await call('POST', '/auth/logout', { body: { refresh_token: refresh } })).status).toBe(200);
    const endedAtMs = performance.now();
    for (const gateway of gateways) {
      let answer = await profileAt(gateway, access);
      while (answer.status === 200 && performance.now() - endedAtMs < boundMs) {
        await sleep(10);
        answer = await profileAt(gateway, access);
      }
      expectProblem(answer, 'token_revoked');
    }
    for (const { url } of issuers) {
      const refused = await httpClient(url)('POST', '/auth/refresh', { body: { refresh_token: refresh } });
      expectProblem(refused, 'session_revoked');
    }
  });
});
