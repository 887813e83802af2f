/** Whoever may ask chooses method and target: nobody may but the addresses of FORWARD_AUTH_PROXIES. */
import { expect, it } from 'vitest';
import { bearer, problemOf, seenBy, send, startGateway, valuesOf, verifierOf } from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

const path = '/api/v1/users/me';
const told = { 'x-original-method': 'GET', 'x-original-uri': path };

it.each([
  ['by default', {}],
  ['to an address that is not listed', { FORWARD_AUTH_PROXIES: '192.0.2.7,2001:db8::/64' }],
  ['to a listed address that a header claims', { FORWARD_AUTH_PROXIES: '192.0.2.7', TRUSTED_PROXIES: '127.0.0.1' }],
])('forward auth is 404 %s', async (_, settings) => {
  const gateway = await startGateway(settings);
  const headers = { ...bearer(), ...told, 'x-forwarded-for': '192.0.2.7' };
  for (const asked of ['/forward-auth', `/forward-auth${path}`]) {
    const answer = await send(gateway, asked, { headers });
    expect([answer.status, problemOf(answer)['code']]).toEqual([404, 'route_unknown']);
    expect(answer.headers['x-gateway-assertion']).toBeUndefined();
  }
});

it('the headers of an ask change nothing on an ordinary route, and reach no service', async () => {
  const gateway = await startGateway({ FORWARD_AUTH_PROXIES: '127.0.0.1' });
  const headers = {
    ...bearer(),
    'x-original-method': 'DELETE',
    'x-original-uri': '/api/v1/payments',
    'x-forwarded-method': 'DELETE',
    'x-forwarded-uri': '/api/v1/payments',
  };
  const seen = seenBy(await send(gateway, path, { headers }));
  expect([seen.method, seen.target]).toEqual(['GET', '/users/me']);
  for (const name of Object.keys(headers)) expect(valuesOf(seen, name)).toEqual([]);
  const [assertion] = valuesOf(seen, 'x-gateway-assertion');
  expect(verifierOf('user-service').verify(assertion, { method: 'GET', target: '/users/me' })).toMatchObject({
    ok: true,
  });
});

it('would let anybody choose method and target without the question who asks', async () => {
  const sabotage = {
    file: 'forward-auth/forward-auth.ts',
    find: "if (!list.has(plainAddress(req.socket.remoteAddress ?? '::'))) {",
    replace: 'if (list === undefined) {',
  };
  await withSabotage(sabotage, async (start) => {
    const gateway = await startGateway({ FORWARD_AUTH_PROXIES: '192.0.2.7' }, undefined, start);
    const answer = await send(gateway, '/forward-auth', { headers: { ...bearer(), ...told } });
    expect(answer.headers['x-gateway-assertion']).toBeDefined();
  });
});
