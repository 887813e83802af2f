import { describe, expect, it } from 'vitest';
import {
  bearer,
  type Headers,
  problemOf,
  send,
  startGateway,
  unsafe,
  verifierOf,
  type WireAnswer,
} from '../testing/rig.ts';

const asking = { FORWARD_AUTH_PROXIES: '127.0.0.1' };
const path = '/api/v1/users/me';
const original = (method: string, target: string) => ({ 'x-original-method': method, 'x-original-uri': target });
const forwarded = (method: string, target: string) => ({
  'x-forwarded-method': method,
  'x-forwarded-uri': target,
  'x-forwarded-host': 'shop.example',
});

const value = (answer: WireAnswer, name: string): string => String(answer.headers[name] ?? '');
const codeOf = (answer: WireAnswer) => problemOf(answer)['code'];

describe('forward auth', () => {
  it.each([
    ['nginx', 'GET', '/forward-auth', original('POST', `${path}?a=1`)],
    ['Traefik and Caddy', 'GET', '/forward-auth', forwarded('POST', `${path}?a=1`)],
    ['Caddy 2.6', 'GET', '/forward-auth?a=1', forwarded('POST', `${path}?a=1`)],
    ['Envoy', 'POST', `/forward-auth${path}?a=1`, {}],
  ])('as %s asks tells identity and target, bound to the original request', async (_, method, asked, told) => {
    const gateway = await startGateway(asking);
    const answer = await send(gateway, asked, { method, headers: { ...unsafe(), ...told } });
    expect([answer.status, answer.body, value(answer, 'cache-control')]).toEqual([200, '', 'no-store']);
    expect([value(answer, 'x-user-email'), value(answer, 'x-gateway-target')]).toEqual([
      'ann@example.com',
      '/users/me?a=1',
    ]);
    const { verify } = verifierOf('user-service');
    const assertion = value(answer, 'x-gateway-assertion');
    expect(verify(assertion, { method: 'POST', target: '/users/me?a=1' })).toMatchObject({ ok: true });
    expect(verify(assertion, { method: 'GET', target: '/users/me?a=1' }).ok).toBe(false);
    expect(verify(assertion, { method: 'POST', target: '/forward-auth' }).ok).toBe(false);
    expect(gateway.services.seen()).toBe(0);
  });

  it('refuses as the gateway itself does, the original method counting and not that of the ask', async () => {
    const gateway = await startGateway(asking);
    const ask = async (method: string, target: string, headers: Headers = {}) =>
      send(gateway, '/forward-auth', { headers: { ...headers, ...original(method, target) } });
    const anonymous = await ask('GET', path);
    expect([anonymous.status, codeOf(anonymous)]).toEqual([401, 'token_missing']);
    expect(value(anonymous, 'www-authenticate')).toContain('Bearer');
    expect(JSON.parse(value(anonymous, 'x-gateway-problem'))).toEqual(problemOf(anonymous));
    expect(codeOf(await ask('DELETE', path, bearer()))).toBe('csrf_header_missing');
    expect(codeOf(await ask('GET', '/nowhere', bearer()))).toBe('route_unknown');
  });

  it('lets nobody to the gateway’s own routes, and answers no preflight: its 2xx would be leave to go on', async () => {
    const gateway = await startGateway({ ...asking, CORS_ORIGINS: 'https://app.example' });
    const ask = (method: string, target: string) =>
      send(gateway, `/forward-auth${target}`, {
        method,
        headers: { origin: 'https://app.example', 'access-control-request-method': 'POST' },
      });
    expect(codeOf(await ask('GET', '/health'))).toBe('route_unknown');
    expect((await ask('OPTIONS', path)).status).toBeGreaterThanOrEqual(400);
  });

  it.each([
    ['nothing told', {}, 'header_invalid'],
    ['a method alone', { 'x-original-method': 'GET' }, 'header_invalid'],
    ['two targets', { ...original('GET', path), 'x-original-uri': [path, '/health'] }, 'header_invalid'],
    ['two methods', { ...original('GET', path), 'x-original-method': ['GET', 'POST'] }, 'header_invalid'],
    ['two ways at once', { ...original('GET', path), 'x-forwarded-uri': '/health' }, 'header_invalid'],
    ['the other way’s method', { ...forwarded('GET', path), 'x-original-method': 'GET' }, 'header_invalid'],
    ['two hosts', { ...forwarded('GET', path), 'x-forwarded-host': ['a', 'b'] }, 'header_invalid'],
    ['no method', original('get it', path), 'header_invalid'],
    ['an absolute form', original('GET', `http://localhost${path}`), 'path_refused'],
    ['a second spelling', original('GET', '/%2e%2e/api/v1/users/me'), 'path_refused'],
    ['dot segments', forwarded('GET', '/api/../api/v1/users/me'), 'path_refused'],
    ['a WebSocket', { ...original('GET', path), 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' }, 'upgrade_refused'],
  ] satisfies [string, Headers, string][])('refuses %s', async (_, headers, code) => {
    const gateway = await startGateway(asking);
    const answer = await send(gateway, '/forward-auth', { headers: { ...bearer(), ...headers } });
    expect(codeOf(answer)).toBe(code);
    expect(answer.headers['x-gateway-assertion']).toBeUndefined();
    if (!('x-forwarded-host' in headers)) {
      expect(JSON.parse(value(answer, 'x-gateway-problem'))).toEqual(problemOf(answer));
    }
  });

  it('refuses headers beside the path’s own way of telling', async () => {
    const gateway = await startGateway(asking);
    const headers = { ...bearer(), ...original('GET', '/health') };
    expect(codeOf(await send(gateway, `/forward-auth${path}`, { headers }))).toBe('header_invalid');
  });

  it('counts for the client’s address, which a trusted proxy tells', async () => {
    const gateway = await startGateway({
      ...asking,
      TRUSTED_PROXIES: '127.0.0.1',
      FLOOD_LIMIT_PER_MINUTE: '1',
      FLOOD_LIMIT_BURST: '1',
    });
    const ask = async (address: string) =>
      (
        await send(gateway, '/forward-auth', {
          headers: { ...bearer(), ...original('GET', path), 'x-forwarded-for': address },
        })
      ).status;
    expect([await ask('192.0.2.1'), await ask('192.0.2.1'), await ask('192.0.2.2')]).toEqual([200, 429, 200]);
  });
});
