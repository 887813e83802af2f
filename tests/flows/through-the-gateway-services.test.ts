/** contracts/microservices.md, "Services" and the CSRF part of "Gateway", with the real example services behind the gateway. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeToken, hmacSigner } from '../testing/forge.ts';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { type Microservices, startMicroservices } from '../testing/microservices.ts';
import { type LoggedIn, login, newPerson, register, signUp, tokensOf } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

const api = '/api/v1';
let system: Microservices;
let call: Call;
beforeAll(async () => {
  system = await startMicroservices();
  call = httpClient(system.gateway.url);
});
afterAll(() => system.remove());

const newcomer = () => signUp(call, newPerson(), api);
const pair = (header: string, cookie = header) => ({ 'x-csrf-token': header, cookie: `csrf_token=${cookie}` });
const get = (who: LoggedIn, path: string): Promise<Answer> => call('GET', api + path, { bearer: who.access });
/** As a page of the application would: with its token, and the CSRF token in header and cookie. */
const change = (who: LoggedIn, method: string, path: string, body?: unknown): Promise<Answer> =>
  call(method, api + path, { bearer: who.access, headers: pair(who.csrf), ...(body !== undefined && { body }) });

describe('user service', () => {
  it('makes the profile at the first call with the name of the account, and keeps changes', async () => {
    const ann = await newcomer();
    const { userId: id, person } = ann;
    const profile = await get(ann, '/users/profile');
    expect([profile.status, profile.body]).toEqual([
      200,
      { user: { id, email: person.email, name: person.name, bio: '' } },
    ]);
    const renamed = await change(ann, 'PUT', '/users/profile', { name: 'Ann B.', bio: 'Tea.' });
    expect([renamed.status, renamed.body]).toEqual([
      200,
      { message: 'Profile updated successfully', user_id: id, updated: { name: 'Ann B.', bio: 'Tea.' } },
    ]);
    const half = await change(ann, 'PUT', '/users/profile', { bio: 'Coffee.' });
    expect(half.body['updated']).toEqual({ name: 'Ann B.', bio: 'Coffee.' });
    expect((await get(ann, '/users/profile')).body).toMatchObject({ user: { name: 'Ann B.', bio: 'Coffee.' } });
  });

  it('refuses a body of another form', async () => {
    const ann = await newcomer();
    for (const body of [{ name: 7 }, { role: 'admin' }, { bio: ['x'] }, [], 'text']) {
      const answer = await change(ann, 'PUT', '/users/profile', JSON.parse(JSON.stringify(body)));
      expect([answer.status, answer.body['error']]).toEqual(
        typeof body === 'string' ? [415, expect.any(String)] : [400, 'Invalid request body'],
      );
    }
  });

  it('ends the account at the issuer too', async () => {
    const ann = await newcomer();
    await get(ann, '/users/profile');
    const answer = await change(ann, 'DELETE', '/users/account');
    expect([answer.status, answer.body]).toEqual([
      200,
      { message: 'Account deleted successfully', user_id: ann.userId },
    ]);
    const { email, password } = ann.person;
    const dead = await call('POST', `${api}/auth/login`, { body: { email, password } });
    expectProblem(dead, 'credentials_invalid', 'Invalid credentials');
    const verified = await call('GET', `${api}/auth/verify`, { bearer: ann.access });
    expectProblem(verified, 'user_unknown', 'User not found');
    expect((await get(ann, '/users/profile')).status).toBe(401);
    expect((await register(call, ann.person, api)).status).toBe(201);
  });

  it('deletes nothing where the issuer refuses', async () => {
    const ann = await newcomer();
    const second = await login(call, ann.person, api);
    await change(second, 'PUT', '/users/profile', { bio: 'Still here.' });
    await call('POST', `${api}/auth/logout`, { body: { refresh_token: ann.refresh } });
    const answer = await change(ann, 'DELETE', '/users/account');
    expect([answer.status, answer.body['code']]).toEqual([401, 'token_revoked']);
    expect((await get(second, '/users/profile')).body).toMatchObject({ user: { bio: 'Still here.' } });
    expect((await login(call, ann.person, api)).userId).toBe(ann.userId);
  });
});

describe('payment and notification service', () => {
  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    const limit = Date.now() + 5000;
    while (!(await holds())) {
      if (Date.now() > limit) throw new Error('not within 5 s');
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };
  const notificationsOf = async (who: LoggedIn) =>
    (await get(who, '/notifications')).body['notifications'] as readonly {
      readonly id: string;
      readonly read: boolean;
    }[];

  it('store payments per user, and a payment makes one notification', async () => {
    const [ann, bob] = [await newcomer(), await newcomer()];
    expect((await get(ann, '/payments')).body).toEqual({ payments: [] });
    expect((await get(ann, '/notifications')).body).toEqual({ notifications: [] });
    const tea = { amount: 12.5, currency: 'EUR', description: 'Tea' };
    const made = await change(ann, 'POST', '/payments', tea);
    expect(made.status).toBe(201);
    const { id } = made.body['payment'] as { readonly id: string };
    expect((await get(ann, '/payments')).body).toMatchObject({ payments: [{ id, ...tea }] });
    expect((await get(ann, `/payments/${id}`)).body).toMatchObject({ payment: { id, ...tea } });
    expect((await change(ann, 'POST', '/payments', { amount: 3, currency: 'USD' })).status).toBe(201);

    expect((await get(bob, '/payments')).body).toEqual({ payments: [] });
    expectProblem(await get(bob, `/payments/${id}`), 'not_found');

    await until(async () => (await notificationsOf(ann)).length === 2);
    const [first] = await notificationsOf(ann);
    const read = await change(ann, 'POST', `/notifications/${first?.id}/read`);
    expect(read.status).toBe(200);
    expect((await notificationsOf(ann)).map((one) => one.read)).toEqual([true, false]);
    expect(await notificationsOf(bob)).toEqual([]);
    expectProblem(await change(bob, 'POST', `/notifications/${first?.id}/read`), 'not_found');
  });

  it('refuse a payment of another form', async () => {
    const ann = await newcomer();
    for (const body of [
      {},
      { amount: '1', currency: 'EUR' },
      { amount: -1, currency: 'EUR' },
      { amount: 1, currency: 'EUR', user_id: 'x' },
    ]) {
      const answer = await change(ann, 'POST', '/payments', body);
      expect([answer.status, answer.body['error']]).toEqual([400, 'Invalid request body']);
    }
    expect((await get(ann, '/payments')).body).toEqual({ payments: [] });
  });
});

describe('CSRF on what changes something', () => {
  const routes = [
    ['PUT', '/users/profile', { bio: 'x' }],
    ['DELETE', '/users/account', undefined],
    ['POST', '/payments', { amount: 1, currency: 'EUR' }],
    ['POST', '/notifications/01a20131-8d90-706e-a241-de063c36a7cc/read', undefined],
    ['PATCH', '/users/profile', { bio: 'x' }],
  ] as const;
  const hints = {
    csrf_header_missing: 'Include X-CSRF-Token header with your request',
    csrf_cookie_missing: 'Login first to obtain CSRF token',
    csrf_mismatch: 'Token in header must match token in cookie',
  };

  it.each(routes)('%s %s asks for header, then cookie, then a match', async (method, path, body) => {
    const ann = await newcomer();
    const send = (headers: Readonly<Record<string, string>>) =>
      call(method, api + path, { bearer: ann.access, headers, ...(body !== undefined && { body }) });
    const expectHint = (answer: Answer, code: keyof typeof hints, error: string): void => {
      expectProblem(answer, code, error);
      expect(answer.body['hint']).toBe(hints[code]);
    };
    expectHint(await send({}), 'csrf_header_missing', 'CSRF token missing in header');
    expectHint(await send({ cookie: `csrf_token=${ann.csrf}` }), 'csrf_header_missing', 'CSRF token missing in header');
    expectHint(await send({ 'x-csrf-token': ann.csrf }), 'csrf_cookie_missing', 'CSRF token missing in cookie');
    expectHint(await send(pair('x', 'y')), 'csrf_mismatch', 'CSRF token mismatch');
    expectHint(await send(pair(ann.csrf, 'y')), 'csrf_mismatch', 'CSRF token mismatch');
    // Equal alone proves nothing: whoever can set a cookie sets both.
    expectHint(await send(pair('same')), 'csrf_mismatch', 'CSRF token mismatch');
    const foreign = await newcomer();
    expectHint(await send(pair(foreign.csrf)), 'csrf_mismatch', 'CSRF token mismatch');
    expect((await call('GET', `${api}/auth/verify`, { bearer: ann.access })).status).toBe(200);
  });

  it('comes after the token: who is not logged in is told that first', async () => {
    const answer = await call('POST', `${api}/payments`, { body: {} });
    expectProblem(answer, 'token_missing', 'Authorization header missing');
  });

  it('is not asked where nothing changes, nor at the issuer', async () => {
    const ann = await newcomer();
    expect((await get(ann, '/payments')).status).toBe(200);
    expect((await call('POST', `${api}/auth/logout-all`, { bearer: ann.access })).status).toBe(200);
  });

  it('passes with tokens of before and after a refresh in another tab', async () => {
    const ann = await newcomer();
    const fresh = tokensOf(await call('POST', `${api}/auth/refresh`, { body: { refresh_token: ann.refresh } }));
    for (const headers of [pair(ann.csrf, fresh.csrf), pair(fresh.csrf, ann.csrf)]) {
      const answer = await call('PUT', `${api}/users/profile`, { bearer: ann.access, headers, body: { bio: 'x' } });
      expect(answer.status).toBe(200);
    }
  });
});

describe('a call that does not come through the gateway', () => {
  const contextMissing = 'User context missing. Request must come through API Gateway.';
  const notAuthentic = 'Invalid gateway signature. Request may not be authentic.';
  const services = () => [
    [system.users, '/users/profile'] as const,
    [system.payments, '/payments'] as const,
    [system.notifications, '/notifications'] as const,
  ];

  it('is refused without an assertion, also with every plain header right', async () => {
    const ann = await newcomer();
    const { email } = ann.person;
    const signature = createHmac('sha256', system.installation.gatewaySecret).update(`${ann.userId}:${email}`);
    const plain = {
      'x-user-id': ann.userId,
      'x-user-email': email,
      'x-gateway-signature': signature.digest('hex'),
      'x-roles': 'admin',
    };
    for (const [service, path] of services()) {
      const direct = httpClient(service.url);
      expectProblem(await direct('GET', path), 'assertion_missing', contextMissing);
      expectProblem(await direct('GET', path, { headers: plain }), 'assertion_missing', contextMissing);
      expectProblem(await direct('GET', path, { bearer: ann.access }), 'assertion_missing', contextMissing);
    }
  });

  it('is refused with an assertion that nobody signed', async () => {
    for (const [service, path] of services()) {
      const headers = { 'x-gateway-assertion': 'eyJhbGciOiJub25lIn0.e30.' };
      expectProblem(await httpClient(service.url)('GET', path, { headers }), 'assertion_invalid', notAuthentic);
    }
  });

  it('is told whether the service lives, and nothing else', async () => {
    for (const [service, name] of [
      [system.issuer, 'auth-service'],
      [system.gateway, 'api-gateway'],
      [system.users, 'user-service'],
      [system.payments, 'payment-service'],
      [system.notifications, 'notification-service'],
    ] as const) {
      const answer = await httpClient(service.url)('GET', '/health');
      expect([answer.status, answer.body]).toEqual([200, { status: 'healthy', service: name }]);
    }
  });
});

it('an id that is none of ours is refused by the services, though the gateway vouches for the token', async () => {
  const { access } = await newcomer();
  const sign = hmacSigner(system.installation.folder.settings['JWT_SECRET'] ?? '');
  const bearer = changeToken(access, sign, { sub: 'not-an-id', user_id: 'not-an-id' });
  for (const path of ['/users/profile', '/payments', '/notifications']) {
    expectProblem(await call('GET', api + path, { bearer }), 'user_id_invalid', 'Invalid user ID format');
  }
});

it('no server writes a secret into its log, whatever went through it', async () => {
  const ann = await newcomer();
  await change(ann, 'PUT', '/users/profile', { bio: 'x' });
  await change(ann, 'POST', '/payments', { amount: 1, currency: 'EUR' });
  await call('GET', `${api}/users/profile?access_token=${ann.access}`, { headers: pair(ann.csrf) });
  await call('PUT', `${api}/users/profile`, { bearer: `${ann.access}x`, headers: pair(ann.csrf) });
  // The gateway writes its log in blocks.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const { folder, gatewaySecret, notificationToken } = system.installation;
  const { access, refresh, csrf, person } = ann;
  const secrets = [
    access,
    refresh,
    csrf,
    person.password,
    gatewaySecret,
    notificationToken,
    folder.settings['JWT_SECRET'],
  ];
  for (const server of [system.issuer, system.gateway, system.users, system.payments, system.notifications]) {
    expect(server.logLines().length).toBeGreaterThan(0);
    for (const secret of secrets) expect(server.output()).not.toContain(secret);
  }
});
