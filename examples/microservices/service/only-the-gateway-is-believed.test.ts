import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { notificationService } from '../notification/service.ts';
import { paymentService } from '../payment/service.ts';
import { assertion, newUserId, removeFolders, type Started, send, startReal } from '../testing/rig.ts';
import { userService } from '../user/service.ts';

const missing = 'User context missing. Request must come through API Gateway.';
const notAuthentic = 'Invalid gateway signature. Request may not be authentic.';
const id = newUserId();
const forged = {
  'x-user-id': id,
  'x-user-email': 'ada@example.com',
  'x-roles': 'admin',
  'x-gateway-signature': createHmac('sha256', 'x'.repeat(32)).update(`${id}:ada@example.com`).digest('hex'),
};

const services = [
  { definition: userService, routes: ['GET /users/profile', 'PUT /users/profile', 'DELETE /users/account'] },
  { definition: paymentService, routes: ['GET /payments', 'POST /payments', `GET /payments/${id}`] },
  { definition: notificationService, routes: ['GET /notifications', `POST /notifications/${id}/read`] },
];

describe.each(services)('$definition.name', ({ definition, routes }) => {
  let service: Started;
  beforeAll(async () => {
    service = await startReal(definition);
  });
  afterAll(async () => {
    await service.stop();
    removeFolders();
  });

  const now = () => Math.floor(Date.now() / 1000);
  const refusals: readonly [string, (method: string, target: string) => string | undefined, string, string][] = [
    ['without an assertion', () => undefined, 'assertion_missing', missing],
    ['with garbage', () => 'x.y.z', 'assertion_invalid', notAuthentic],
    ['on behalf of nobody', (m, t) => assertion(definition.name, m, t, { anon: true }), 'assertion_missing', missing],
    [
      'with one that ran out',
      (m, t) => assertion(definition.name, m, t, { iat: now() - 120, exp: now() - 90 }),
      'assertion_invalid',
      notAuthentic,
    ],
    [
      'with one for another target',
      (m, t) => assertion(definition.name, m, `${t}?x=1`),
      'assertion_invalid',
      notAuthentic,
    ],
    [
      'with one for another method',
      (_m, t) => assertion(definition.name, 'PATCH', t),
      'assertion_invalid',
      notAuthentic,
    ],
    ['with one for another service', (m, t) => assertion('other-service', m, t), 'assertion_invalid', notAuthentic],
    [
      'with one that another service signed for itself',
      (m, t) => assertion(definition.name, m, t, {}, 'other-service'),
      'assertion_invalid',
      notAuthentic,
    ],
  ];

  it.each(refusals)('refuses every route %s, whatever readable headers say', async (_name, make, code, error) => {
    for (const route of routes) {
      const [method = '', target = ''] = route.split(' ');
      const value = make(method, target);
      const headers = { ...forged, ...(value !== undefined && { 'x-gateway-assertion': value }) };
      const answer = await send(service.urls.public, method, target, { headers });
      expect([route, answer.status, answer.type]).toEqual([route, 401, 'application/problem+json']);
      expect(answer.body).toMatchObject({ code, error, status: 401 });
    }
  });

  it('refuses the second use of an assertion on unsafe methods', async () => {
    for (const route of routes.filter((each) => !each.startsWith('GET'))) {
      const [method = '', target = ''] = route.split(' ');
      const headers = { 'x-gateway-assertion': assertion(definition.name, method, target) };
      await send(service.urls.public, method, target, { headers });
      const again = await send(service.urls.public, method, target, { headers });
      expect(again.status).toBe(401);
      expect(again.body).toMatchObject({ code: 'assertion_replayed', error: notAuthentic });
    }
  });

  it('refuses a caller whose id is none: 400', async () => {
    const [method = '', target = ''] = (routes[0] ?? '').split(' ');
    for (const sub of ['1', '../etc', "' OR 1=1 --", id.toUpperCase()]) {
      const answer = await service.as(sub)(method, target);
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({ code: 'user_id_invalid', error: 'Invalid user ID format' });
    }
  });

  it('answers health and readiness to anybody, on both loopbacks, and figures on the private listener only', async () => {
    const { port } = new URL(service.urls.public);
    for (const host of ['127.0.0.1', '[::1]']) {
      const health = await send(`http://${host}:${port}`, 'GET', '/health');
      expect(health).toMatchObject({ status: 200, body: { status: 'healthy', service: definition.name } });
      expect((await send(`http://${host}:${port}`, 'GET', '/ready')).body).toEqual({ status: 'ready' });
    }
    expect((await send(service.urls.public, 'GET', '/metrics')).status).toBe(401);
    const metrics = await send(service.urls.private, 'GET', '/metrics');
    expect(metrics.status).toBe(200);
    expect(metrics.body['text']).toContain('gateway_assertion_refusals_total');
    expect(Number(new URL(service.urls.private).port)).toBe(Number(port) + 1000);
  });

  it('answers an unknown route with 404 behind the gateway', async () => {
    const answer = await service.as(newUserId())('GET', '/nowhere');
    expect(answer).toMatchObject({ status: 404, body: { code: 'route_unknown' } });
  });
});
