import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadGatewaySettings } from '../load-settings.ts';
import { baseEnv } from '../testing/rig.ts';
import { serviceOrigins } from '../upstreams/open-upstreams.ts';
import { readRules } from './effective-rules.ts';

const settings = (env: Record<string, string> = {}) =>
  loadGatewaySettings({ env: { ...baseEnv, ...env } }, () => []).settings;

const read = async (text: string, name = 'routes.yaml', env: Record<string, string> = {}) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-routes-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, name);
  writeFileSync(path, text);
  const { rules, problems, warnings } = await readRules(settings(env), path);
  const short = (lines: readonly string[]) => lines.map((line) => line.replaceAll(`${folder}/`, ''));
  return { rules, problems: short(problems), warnings: short(warnings) };
};

const services = `version: 1
services:
  - { id: users, url: "http://localhost:1" }
  - { id: orders, url: ["http://a:1", "http://b:1"] }
`;
const withRoutes = (...routes: readonly string[]) =>
  `${services}routes:\n${routes.map((line) => `  - ${line}\n`).join('')}`;
const route = '{ path: /a, service: users, access: required }';

describe('a route file', () => {
  it('holds services and routes; health and ready are added', async () => {
    const { rules, problems } = await read(withRoutes(route));
    expect(problems).toEqual([]);
    expect(rules?.services.map(({ id }) => id)).toEqual(['users', 'orders']);
    expect(rules?.routes).toEqual([
      { path: '/a', service: 'users', access: 'required' },
      { path: '/health', answer: 'health' },
      { path: '/ready', answer: 'ready' },
    ]);
  });

  it('may be JSON or a module, and use the services of the preset', async () => {
    const file = { version: 1, routes: [{ path: '/a', service: 'user-service', access: 'protected' }] };
    for (const [name, text] of [
      ['r.json', JSON.stringify(file)],
      ['r.ts', `const file: object = ${JSON.stringify(file)};\nexport default file;`],
      ['r.mjs', `export default ${JSON.stringify(file)};`],
    ] as const) {
      const { rules, problems } = await read(text, name);
      expect([name, problems, rules?.routes[0]]).toEqual([name, [], file.routes[0]]);
      expect(rules?.services.map(({ id }) => id)).toContain('payment-service');
    }
  });

  it('tells everything that is wrong at once, with its place and the nearest name', async () => {
    const { problems } = await read(`version: 1
services:
  - id: users
    url: http://localhost:1
  - id: Bad
    url: [http://a, ftp://b]
    plane: true
routes:
  - path: /a
    service: users
    acces: public
    methods: [GET, FOO]
    limits: { usr: { perMinute: 1 }, bodyBytes: -1 }
    roles: { an: [a] }
    csrf: sometimes
  - path: /b/
    service: user
    access: nope
    roles: [a b]
  - path: /c
    service: users
`);
    const told = problems.join('\n');
    for (const part of [
      'routes.yaml:7:5: services[1].plane is not known; did you mean plain?',
      'routes.yaml:5:5: services[1].id must be lower-case',
      'routes.yaml:6:21: services[1].url[1] must be an origin',
      'routes.yaml:11:5: routes[0].acces is not known; did you mean access?',
      'routes.yaml:12:20: routes[0].methods[1] must be a list of GET',
      'routes.yaml:13:15: routes[0].limits.usr is not known; did you mean user?',
      'routes.yaml:13:38: routes[0].limits.bodyBytes must be >= 0',
      'routes.yaml:14:14: routes[0].roles.an is not known; did you mean any?',
      'routes.yaml:15:5: routes[0].csrf must be always, cookie or never',
      'routes.yaml:16:5: routes[1].path must be a plain path',
      'routes.yaml:18:5: routes[1].access must be public, optional or required',
      'routes.yaml:19:13: routes[1].roles[0] must be a list of names',
      'routes.yaml:20:5: routes[2] has no access',
      'routes.yaml:17:5: routes[1].service names user, a service that is not listed; did you mean users?',
    ]) {
      expect(told).toContain(part);
    }
    expect(told).not.toContain('routes[0] has no access');
  });

  it('names no service for a list of services that cannot be read', async () => {
    const { problems } = await read(`version: 1\nservices: [{ idd: users }]\nroutes: [${route}]`);
    expect(problems).toEqual(['routes.yaml:2:14: services[0].idd is not known; did you mean id?']);
  });

  it.each([
    ['a member twice', `${services}services: []\nroutes: [${route}]`, '5:1: Map keys must be unique'],
    ['an alias', `${services}routes: [&a ${route}, *a]`, 'Aliases are refused'],
    ['a bomb', 'a: &a [x,x]\nb: &b [*a,*a]\nversion: *b', 'Aliases are refused'],
    ['two documents', `${services}routes: [${route}]\n---\na: b`, 'multiple documents'],
    ['a tag', `${services}routes: !!js/function 'x'`, 'Unresolved tag'],
    ['nothing', '', 'must hold version, services and routes'],
    ['no YAML', 'routes: [', '1:10: Flow sequence'],
    ['another version', 'version: 2\nroutes: []', '1:1: version must be 1'],
    [
      'words that older YAML takes for booleans',
      withRoutes('{ path: /a, service: users, access: required, forwardAuthorization: yes }'),
      'forwardAuthorization must be boolean',
    ],
    [
      'a member of every object',
      withRoutes('{ path: /a, service: users, access: required, __proto__: { roles: [] } }'),
      '__proto__ is not known',
    ],
  ])('is refused with %s', async (_, text, problem) => {
    const { rules, problems } = await read(text);
    expect(rules).toBeUndefined();
    expect(problems.join('\n')).toContain(problem);
  });

  it.each([
    ['r.yaml.txt', 'x', 'must end in .yaml, .yml, .json, .ts'],
    ['r.ts', 'const a = 1;', 'has no default export'],
    ['r.ts', "throw new Error('from the module')", 'from the module'],
    ['r.mjs', 'export default [', 'r.mjs: '],
  ])('%s: %s is refused', async (name, text, problem) => {
    expect((await read(text, name)).problems.join()).toContain(problem);
  });

  it('that is not there is refused', async () => {
    expect((await readRules(settings(), '/nonexistent/routes.yaml')).problems).toEqual([
      '/nonexistent/routes.yaml: is not there',
    ]);
  });
});

describe('rules that cannot be meant', () => {
  it.each([
    [
      'an unknown service',
      ['{ path: /a, service: user, access: public }'],
      'names user, a service that is not listed; did you mean users?',
    ],
    ['the same path and method twice', [route, route], 'overlaps with routes[0]: both answer every method of /a'],
    [
      'one method in two rules',
      [
        '{ path: /a, methods: [GET, POST], service: users, access: required }',
        '{ path: /a, methods: [POST], service: users, access: required }',
      ],
      'overlaps with routes[0]: both answer POST of /a',
    ],
    [
      'the same host twice',
      [
        '{ path: /a, hosts: [x.example, y.example], service: users, access: required }',
        '{ path: /a, hosts: [y.example], service: users, access: required }',
      ],
      'both answer every method at y.example of /a',
    ],
    [
      'a rule that others take everything from',
      [
        route,
        '{ path: /a, methods: [GET, HEAD, OPTIONS], service: users, access: required }',
        '{ path: /a, methods: [POST, PUT, PATCH, DELETE], service: users, access: required }',
      ],
      'routes[0] is never reached: other rules take every method of its path',
    ],
    [
      'a path that no target has',
      ['{ path: /a/../b, service: users, access: required }'],
      'is never reached: a target with a dot segment is refused',
    ],
    [
      'roles of nobody',
      ['{ path: /a, service: users, access: public, roles: [admin] }'],
      'need somebody who is identified, but access is public',
    ],
    [
      'roles of whoever likes',
      ['{ path: /a, service: users, access: optional, roles: [admin] }'],
      'but access is optional',
    ],
    [
      'CSRF without a session',
      ['{ path: /a, service: users, access: public, csrf: always }'],
      'binds to a session, but access is public',
    ],
    [
      'a user limit of nobody',
      ['{ path: /a, service: users, access: public, limits: { user: { perMinute: 1 } } }'],
      'counts users, but access is public',
    ],
    [
      'a prefix that is not its own',
      ['{ path: /a/*, service: users, access: required, stripPrefix: /b }'],
      'is not what /a/* begins with',
    ],
    [
      'a prefix that leaves nothing',
      ['{ path: /a, service: users, access: required, stripPrefix: /a }'],
      'or leaves nothing of it',
    ],
    [
      'one group with two limits',
      [
        '{ path: /a, service: users, access: required, limits: { user: { perMinute: 10, group: g } } }',
        '{ path: /b, service: users, access: required, limits: { user: { perMinute: 20, group: g } } }',
      ],
      'has 20 a minute, burst 2, but the group g has 10 a minute, burst 1',
    ],
  ])('%s', async (_, routes, problem) => {
    const { rules, problems } = await read(withRoutes(...routes));
    expect(rules).toBeUndefined();
    expect(problems.join('\n')).toContain(problem);
  });

  it.each([
    [
      '{ path: /h, intervalSecond: 1 }',
      'services[0].health.intervalSecond is not known; did you mean intervalSeconds?',
    ],
    ['health', 'services[0].health must be a plain path such as /health, or {path, '],
    ['{ path: h }', 'services[0].health.path must be a plain path such as /health'],
    ['{ failures: 1 }', 'services[0].health has no path'],
    ['{ path: /h, failures: 0 }', 'services[0].health.failures must be >= 1'],
  ])('health checks that cannot be made: %s', async (health, problem) => {
    const { problems } = await read(`version: 1
services: [{ id: a, url: "http://a", health: ${health} }]
routes: [{ path: /a, service: a, access: required }]`);
    expect(problems.join('\n')).toContain(problem);
  });

  it('a service without an address, one twice, two issuers, a signature without its key', async () => {
    const text = `version: 1
services:
  - { id: a, issuer: true, plain: true, defaultPort: 1 }
  - { id: b, issuer: true }
  - { id: a, url: "http://a", defaultPort: 2 }
routes: [{ path: /a, service: a, access: required }]`;
    const { problems } = await read(text, 'routes.yaml', { GATEWAY_SECRET: '' });
    expect(problems.map((line) => line.replace(/^.*?: /, ''))).toEqual([
      'services[1] has neither an origin nor a defaultPort',
      'services[2] names a again',
      'services[2].defaultPort stands beside an origin: remove one',
      'services mark more than one service as the issuer',
      'services mark a service as plain, but GATEWAY_SECRET is not set',
    ]);
  });
});

describe('rules that somebody should look at', () => {
  it.each([
    [
      'no authentication',
      ['{ path: /a, service: users, access: public }'],
      'routes[0] /a is served without authentication, by users',
    ],
    [
      'a token handed on',
      ['{ path: /a, service: users, access: required, forwardAuthorization: true }'],
      "routes[0].forwardAuthorization hands the caller's access token to users",
    ],
    [
      'a cookie without CSRF',
      ['{ path: /a, service: users, access: required, csrf: never }'],
      'routes[0].csrf is never, but the cookie access identifies callers',
    ],
    [
      'an open door while the feed is silent',
      ['{ path: /a, service: users, access: required, whenRevocationUnknown: accept }'],
      'routes[0].whenRevocationUnknown is accept',
    ],
    [
      'a host that loosens',
      [route, '{ path: /a, hosts: [x.example], service: users, access: public }'],
      'routes[1].hosts loosens routes[0] for whoever sends this Host',
    ],
    [
      'a host that protects nothing',
      [
        '{ path: /*, service: users, access: public }',
        '{ path: /admin, hosts: [x.example], service: users, access: required }',
      ],
      'leaves what is sent with another Host, which the client chooses, of /admin to routes[0] /*, which is public',
    ],
    [
      'methods that fall through',
      [
        '{ path: /*, service: users, access: public }',
        '{ path: /admin, methods: [GET], service: users, access: required }',
      ],
      'leaves HEAD, POST, PUT, PATCH, DELETE, OPTIONS of /admin to routes[0] /*, which is public',
    ],
    [
      'a way around by a prefix that is cut off',
      [
        '{ path: /open/*, service: users, access: public, stripPrefix: /open }',
        '{ path: /admin/*, service: users, access: required }',
      ],
      'routes[0] is a way around routes[1]: it reaches /admin/* of users too, and is public',
    ],
  ])('%s', async (_, routes, warning) => {
    const { rules, problems, warnings } = await read(withRoutes(...routes), 'routes.yaml', {
      ACCESS_COOKIE_NAME: 'access',
    });
    expect([problems, rules === undefined]).toEqual([[], false]);
    expect(warnings.join('\n')).toContain(warning);
  });

  it('are none where there is nothing to look at', async () => {
    const text = `version: 1
services: [{ id: users, url: "http://localhost:1" }, { id: auth-service, url: authServiceUrl, issuer: true }]
routes:
  - { path: /me, service: auth-service, access: required }
  - { path: /a, service: users, access: required, csrf: never }
  - { path: /a/*, service: users, access: required }
  - { path: /b, methods: [GET], service: users, access: optional }`;
    expect(await read(text)).toMatchObject({ problems: [], warnings: [] });
  });
});

describe('the way to the issuer', () => {
  const warned = async (services: string, routes: string, env: Record<string, string> = {}) => {
    const file = `version: 1\nservices: [${services}]\nroutes: [${routes}]`;
    const { problems, warnings } = await read(file, 'routes.yaml', env);
    expect(problems).toEqual([]);
    return warnings.filter((line) => !line.includes('without authentication')).map((line) => line.split(': ', 2)[1]);
  };
  const users = '{ id: users, url: "http://localhost:1" }';
  const orders = '{ path: /a, service: users, access: required }';
  const login = (service: string) => `{ path: /login, service: ${service}, access: public }`;

  it('is missed where tokens are asked for and no route leads there', async () => {
    const nobody = ['services hold no issuer that a route leads to'];
    expect(await warned(users, orders)).toEqual(nobody);
    expect(await warned(`${users}, { id: auth-service, url: authServiceUrl, issuer: true }`, orders)).toEqual(nobody);
    expect(await warned(users, login('users'))).toEqual([]);
  });

  it.each([
    ['its id', '{ id: auth-service, url: "http://a" }', {}],
    ['its setting', '{ id: auth-service, url: authServiceUrl }', { AUTH_SERVICE_URL: 'http://auth:1' }],
    ['its address', '{ id: auth-service, url: ["http://b", "http://auth:1/"] }', { AUTH_SERVICE_URL: 'http://auth:1' }],
    ['the default address', '{ id: auth-service, defaultPort: 8081 }', {}],
  ])('is not open to credentials where nobody marks the issuer: known by %s', async (what, service, env) => {
    const id = what === 'its id' ? 'auth-service' : 'login';
    const found = await warned(`${users}, ${service.replace('auth-service', id)}`, `${orders}, ${login(id)}`, env);
    expect(found).toEqual([expect.stringContaining('services[1] is the issuer by its id or url, but not marked')]);
  });

  it('loses the client’s address where the issuer has another id than it believes', async () => {
    const [warning, ...more] = await warned(
      `${users}, { id: login, url: authServiceUrl, issuer: true }`,
      `${orders}, ${login('login')}`,
    );
    expect(more).toEqual([]);
    expect(warning).toContain('services[1].id is login and its service the issuer');
  });

  it('has the port that its setting documents, shifted with all others', async () => {
    const { rules, problems } = await read(`version: 1
services: [{ id: users, url: userServiceUrl }]
routes: [${orders}]`);
    expect(problems).toEqual([]);
    const shifted = { ...settings(), userServiceUrl: undefined, portOffset: 5 };
    expect(rules?.services.flatMap((service) => serviceOrigins(shifted, service))).toEqual(['http://localhost:8087']);
  });
});
