/** deploy/grafana and deploy/prometheus: what they ask for is what servers expose, and Prometheus itself takes the rules. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { anyPostgres, isAnyPostgresMissing } from '@sallyport/storage/postgres/testing';
import { isRedisMissing, type RedisServer, startRedis } from '@sallyport/storage/redis/testing';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { parse } from 'yaml';
import { type ChildServer, startServer } from '../testing/child-server.ts';
import { isOnPostgres } from '../testing/database.ts';
import { httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { type Installation, newInstallation, startGateway } from '../testing/microservices.ts';
import { signUp } from '../testing/people.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../testing/recording-upstream.ts';
import { routeFile } from '../testing/route-file.ts';
import { type Asked, readAsked, readExposed, type Series } from './testing/exposed.ts';
import { textOf } from './testing/files.ts';

interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
}
interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string; readonly annotations: Series }[];
  }[];
}

const { panels } = JSON.parse(textOf('deploy/grafana/sallyport.json')) as Dashboard;
const alerts = (parse(textOf('deploy/prometheus/rules.yaml')) as Rules).groups.flatMap(({ rules }) => rules);
const expressions = [
  ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
  ...alerts.map(({ alert, expr }) => [alert, expr] as const),
];
/** Keys that a gateway has to fetch. */
const signing = { JWT_ALGORITHM: 'ES256', JWT_SECRET: '' };
const routes = {
  version: 1,
  routes: [
    { path: '/api/v1/auth/*', service: 'auth-service', access: 'public', stripPrefix: '/api/v1' },
    { path: '/api/v1/users/*', service: 'user-service', access: 'required', stripPrefix: '/api/v1' },
    { path: '/api/v1/payments/*', service: 'payment-service', access: 'required', stripPrefix: '/api/v1' },
  ],
};
const withoutRedis = isRedisMissing();
const needsRedis = /_redis_|_limits_/;
const withoutPostgres = !isOnPostgres && isAnyPostgresMissing();
const needsPostgres = /_store_pool_/;
const isUntold = (asked: string): boolean =>
  (withoutRedis && needsRedis.test(asked)) || (withoutPostgres && needsPostgres.test(asked));

/** Logins right and wrong, a refresh, a logout, requests that pass, are refused and fail. */
const exercise = async (url: string): Promise<void> => {
  const call = httpClient(url);
  const { access, refresh, person } = await signUp(call, undefined, '/api/v1');
  const wrong = { email: person.email, password: 'not this one' };
  expect((await call('POST', '/api/v1/auth/login', { body: wrong })).status).toBe(401);
  const renewed = await call('POST', '/api/v1/auth/refresh', { body: { refresh_token: refresh } });
  expect(renewed.status).toBe(200);
  const forged = { 'x-user-id': 'somebody' };
  const passes = async () =>
    (await call('GET', '/api/v1/users/me', { bearer: access, headers: forged })).status === 200;
  // Not before the gateway has heard from the feed.
  await vi.waitUntil(passes, { timeout: 20_000, interval: 50 });
  expect((await call('GET', '/api/v1/users/me')).status).toBe(401);
  expect((await call('GET', '/api/v1/payments/1', { bearer: access })).status).toBeGreaterThanOrEqual(500);
};

/** Of the gateway and the issuer that end TLS themselves. */
const certificate = (folder: string): { readonly cert: string; readonly key: string } => {
  const [cert, key] = [join(folder, 'front.crt'), join(folder, 'front.key')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-days', '2'];
  const names = ['-subj', '/CN=front', '-addext', 'subjectAltName=DNS:localhost'];
  execFileSync('openssl', ['req', '-x509', ...kind, ...names, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { cert, key };
};

/** Why the selector finds nothing on servers that are used and well; empty where it finds something. */
const missing = (
  { metric, takes, grouped }: Asked,
  exposed: ReadonlyMap<string, readonly Series[]>,
): readonly string[] => {
  if (metric === 'up' || isUntold(metric)) return [];
  const taken = exposed.get(metric)?.filter(takes) ?? [];
  if (taken.length === 0) return [`${metric}: no such series`];
  return grouped.filter((label) => taken[0]?.[label] === undefined).map((label) => `${metric}: no label ${label}`);
};

describe('dashboard and alert rules', () => {
  let installation: Installation;
  let redis: RedisServer | undefined;
  let postgres: Awaited<ReturnType<typeof anyPostgres>> | undefined;
  let upstream: RecordingUpstream;
  let issuer: Issuer;
  let others: readonly ChildServer[];
  let exposed: ReadonlyMap<string, readonly Series[]>;

  beforeAll(async () => {
    installation = newInstallation();
    [upstream, redis, postgres] = await Promise.all([
      startRecordingUpstream(),
      withoutRedis ? undefined : startRedis(),
      isOnPostgres || withoutPostgres ? undefined : anyPostgres(),
    ]);
    const { folder } = installation;
    const keys = { GATEWAY_ASSERTION_KEYS: installation.assertionKeys('auth-service') };
    const shared = {
      ...(redis && { REDIS_URL: redis.url }),
      ...(postgres && { DATABASE_URL: postgres.url }),
    };
    const { cert, key } = certificate(folder.path);
    issuer = await startIssuer(
      { ...signing, ...keys, ...shared, AUTH_TLS_CERT_PATH: cert, AUTH_TLS_KEY_PATH: key },
      folder,
    );
    const issuerPlace = { AUTH_SERVICE_URL: issuer.url.replace('127.0.0.1', 'localhost'), UPSTREAM_CA_PATH: cert };
    const relayed = { ...folder.settings, ...signing, ...shared, EVENT_SINK: 'log', EVENT_RELAY_PORT: '0' };
    others = await Promise.all([
      startGateway(installation, {
        ...(redis && { REDIS_URL: `${redis.url}/1` }),
        ...issuerPlace,
        REVOCATION_FEED_URL: issuer.privateUrl,
        ...signing,
        GATEWAY_ROUTES_FILE: routeFile(installation, routes).path,
        UPSTREAM_PROBE: 'on',
        USER_SERVICE_URL: upstream.url,
        // Nobody listens there.
        PAYMENT_SERVICE_URL: 'http://127.0.0.1:9',
      }),
      startServer(import.meta.resolve('@sallyport/auth/relay'), relayed, folder.path),
      startGateway(installation, {
        ...issuerPlace,
        ...signing,
        GATEWAY_TLS_CERT_PATH: cert,
        GATEWAY_TLS_KEY_PATH: key,
      }),
    ]);
    const [gateway, relay, secure] = others;
    if (gateway === undefined || relay === undefined || secure === undefined) throw new Error('three were started');
    await exercise(gateway.url);
    const read = async () => {
      const all = await Promise.all([
        // First: what the other gateway has as well is looked for at that one, which is used.
        readExposed(secure.privateUrl, 'sallyport-gateway'),
        readExposed(issuer.privateUrl, 'sallyport-issuer'),
        readExposed(gateway.privateUrl, 'sallyport-gateway'),
        readExposed(relay.privateUrl, 'sallyport-relay'),
      ]);
      exposed = new Map(all.flatMap((each) => [...each]));
      return exposed.has('sallyport_gateway_upstream_answers_without_assertion');
    };
    // The gateway probes its services on its own time.
    await vi.waitUntil(read, { timeout: 20_000, interval: 100 });
  }, 60_000);
  afterAll(async () => {
    await Promise.all(others.map((server) => server.stop()));
    await issuer.remove();
    upstream.close();
    await Promise.all([redis?.stop(), postgres?.stop()]);
  });

  it.each(expressions)('asks for what there is: %s: %s', (_title, expression) => {
    // An issuer that is well has no such answer: there, the label is looked at alone.
    const asked = readAsked(expression.replace('status=~"5.."', 'status=~"..."'));
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.flatMap((each) => missing(each, exposed))).toEqual([]);
  });

  it.each([
    'sum(rate(sallyport_auth_login_total[5m]))',
    'sallyport_auth_logins_total{result="ok"}',
    'sallyport_auth_logins_total{outcome="fine"}',
    'sum(sallyport_auth_logins_total) by (result)',
  ])('would find what there is not: %s', (expression) => {
    expect(readAsked(expression).flatMap((asked) => missing(asked, exposed))).toHaveLength(1);
  });

  it('counts each login and refresh once, by how it ended', () => {
    expect(exposed.get('sallyport_auth_logins_total')?.map(({ outcome }) => outcome)).toEqual(['ok', 'password']);
    expect(exposed.get('sallyport_auth_refreshes_total')?.map(({ outcome }) => outcome)).toContain('refresh_reused');
  });

  it('names labels in texts that the series have', () => {
    for (const { alert, expr, annotations } of alerts) {
      const asked = readAsked(expr);
      const named = [...JSON.stringify(annotations).matchAll(/\$labels\.([a-z_]+)/g)].map(([, label = '']) => label);
      // Of a sum nothing is left but what it is grouped by.
      const isWhole = !/\b(?:sum|max|min)\(/.test(expr);
      for (const label of named) {
        const has = asked.some(({ metric, grouped }) =>
          isWhole ? metric === 'up' || label in (exposed.get(metric)?.[0] ?? {}) : grouped.includes(label),
        );
        expect(has || isUntold(expr), `${alert}: ${label}`).toBe(true);
      }
    }
  });
});

const program = 'promtool';
const cwd = fileURLToPath(new URL('../../deploy/prometheus/', import.meta.url));
const promtool = (...args: readonly string[]) => spawnSync(program, args, { cwd, encoding: 'utf8' });

const isPromtoolMissing = (): boolean => {
  const missing = promtool('--version').error !== undefined;
  if (missing && process.env['SALLYPORT_REQUIRE_SERVICES'] === '1') throw new Error('promtool is missing');
  if (missing) process.stderr.write('MISSING: promtool: the alert rules are not tested\n');
  return missing;
};

describe.skipIf(isPromtoolMissing())('promtool', () => {
  it('reads every query of the dashboard', () => {
    const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    const rules = queries.map((expr, at) => ({ record: `q${at}`, expr: expr.replaceAll('$__rate_interval', '1m') }));
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-rules-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'queries.yaml');
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    const { status, stdout, stderr } = promtool('check', 'rules', file);
    expect(status, stdout + stderr).toBe(0);
    expect(stdout).toContain(`${queries.length} rules found`);
  });

  it.each([
    ['check', 'rules', 'rules.yaml'],
    ['check', 'config', 'prometheus.yaml'],
    ['test', 'rules', 'rules.test.yaml'],
  ])('%s %s %s', (...args) => {
    const { status, stdout, stderr } = promtool(...args);
    expect(status, stdout + stderr).toBe(0);
  });
});
