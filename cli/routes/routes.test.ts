import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { newFolder, removeFolders, sallyport } from '../testing/run.ts';

afterAll(removeFolders);

const table = `version: 1
services: [{ id: orders, url: "http://localhost:9001" }]
routes:
  - { path: /orders/*, service: orders, access: required, scopes: [orders:read], limits: { user: { perMinute: 60 } } }
  - { path: /open, methods: [GET], service: orders, access: public }
`;
const folderWith = (text: string): string => {
  const cwd = newFolder();
  writeFileSync(join(cwd, 'routes.yaml'), text);
  return cwd;
};
const env = { GATEWAY_ROUTES_FILE: 'routes.yaml' };

describe('routes check', () => {
  it('prints the table and what somebody should look at', () => {
    const { status, stdout } = sallyport(['routes', 'check', 'routes.yaml'], { cwd: folderWith(table) });
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^\/orders\/\* +GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS +orders +required +always +scope orders:read; 60\/min a user$/m,
    );
    expect(stdout).toMatch(/^\/open +GET +orders +public +never$/m);
    expect(stdout).toContain('routes.yaml:5:5: routes[1] /open is served without authentication, by orders');
    expect(stdout).toContain('routes.yaml:2:1: services hold no issuer that a route leads to');
    expect(stdout).toContain('ok: 4 routes');
  });

  it('ends with 1 for a table that cannot be put in force, and says everything that is wrong', () => {
    const cwd = folderWith(
      table.replace('service: orders, access: public', 'service: order, acces: public, access: public'),
    );
    const { status, stdout } = sallyport(['routes', 'check'], { cwd, env });
    expect(status).toBe(1);
    expect(stdout).toContain('routes[1].acces is not known; did you mean access?');
    expect(stdout).toContain('routes[1].service names order, a service that is not listed; did you mean orders?');
    expect(stdout).toContain('not ok: 2 problems');
    const second = sallyport(['routes', 'check', '--json'], {
      cwd: folderWith(table.replace('id: orders', 'id: order')),
      env,
    });
    const report: unknown = JSON.parse(second.stdout);
    expect([second.status, report]).toMatchObject([1, { file: 'routes.yaml', routes: [], problems: [{}, {}] }]);
  });

  it('knows the routes of a preset too', () => {
    const { status, stdout } = sallyport(['routes', 'check'], { env: { SALLYPORT_PRESET: 'microservices' } });
    expect([status, stdout]).toEqual([0, expect.stringContaining('ok: 10 routes')]);
  });
});

describe('explain', () => {
  const explain = (args: readonly string[], input = '') =>
    sallyport(['explain', ...args], { cwd: folderWith(table), env: { ...env, JWT_ALGORITHM: 'HS256' }, input });

  it('prints the route, each step, and what would go out', () => {
    const claims = '{"sub":"ann","scope":"orders:read","roles":"a b"}';
    const { status, stdout } = explain(['get', 'http://localhost:8080/orders/1?x=2', '--claims', claims]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^route +\/orders\/\* -> orders\ndecision forward$/m);
    expect(stdout).toMatch(/^ {2}authorise +has one of the scopes orders:read$/m);
    expect(stdout).toContain('to the service: GET /orders/1?x=2');
    expect(stdout).toMatch(/^ {2}x-user-id: ann\n {2}x-roles: a,b$/m);
  });

  it('prints the refusal and its reason, as JSON too', () => {
    expect(explain(['GET', '/orders/1']).stdout).toMatch(/^x authenticate +401 token_missing/m);
    const { stdout } = explain(['GET', '/orders/1', '--claims', '{"sub":"ann"}', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ decision: 'scope_insufficient', status: 403, route: '/orders/*' });
  });

  it('takes no token as an argument', () => {
    const { status, stderr } = explain(['GET', '/orders/1', '--token', 'eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.x']);
    expect([status, stderr]).toEqual([2, expect.stringContaining('name the file that holds the token')]);
  });

  it('needs the key that a token is judged with', () => {
    const { status, stderr } = explain(['GET', '/orders/1', '--token', '-'], 'a.b.c');
    expect([status, stderr]).toEqual([78, expect.stringContaining('JWT_SECRET is needed to judge a token here')]);
  });

  it.each([
    [['--claims', 'x'], 'must be JSON'],
    [['--claims', '[]'], 'must be a JSON object'],
    [['--header', 'x'], 'must be "Name: value"'],
    [['--claims', '{}', '--token', '-'], 'give one'],
  ])('refuses %j', (args, message) => {
    const { status, stderr } = explain(['GET', '/orders/1', ...args]);
    expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});
