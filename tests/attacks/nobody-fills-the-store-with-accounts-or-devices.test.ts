/** Whoever may register without being known has a share of it by his address, and a user has a share of devices. */
import { createECDH } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issuerClient } from '../prove/client.ts';
import { issuerFolder, startIssuer as startProcess } from '../prove/issuer-process.ts';
import { deviceFolder } from '../testing/device-chat.ts';
import { beginDevice, loginOnDevice, registerDevice, usernameOf } from '../testing/devices.ts';
import { type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { newPerson } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

it('one address makes exactly so many accounts in an hour, whatever address it claims', async () => {
  const folder = issuerFolder({ REGISTRATION_LIMIT_PER_HOUR: '6' });
  const issuer = await startProcess(folder);
  const client = issuerClient(issuer.url, 32);
  const register = (email: string, index = 0, password = 'correct horse battery') =>
    client.post('/auth/register', { email, password, name: 'Eve' }, { 'x-forwarded-for': `192.0.2.${index}` });
  // Counts: a taken name costs a hash and tells something. Does not count: what is refused for its form.
  for (const status of [201, 409]) expect((await register('taken@example.org')).status).toBe(status);
  for (let index = 0; index < 10; index += 1)
    expect((await register('x@example.org', index, 'short')).status).toBe(400);
  const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => register(`${index}@example.org`, index)));
  expect(answers.filter((answer) => answer.status === 201)).toHaveLength(4);
  const limited = answers.filter((answer) => answer.status === 429);
  expect(limited).toHaveLength(16);
  expect(limited[0]?.body).toMatchObject({ code: 'rate_limited', params: { retryAfterSeconds: expect.any(Number) } });
  // Who has an account logs in as before.
  const login = await client.post('/auth/login', {
    email: 'taken@example.org',
    password: 'correct horse battery',
  });
  expect(login.status).toBe(200);
  await client.close();
  await issuer.stop();
  folder.remove();
});

describe('devices', () => {
  let issuer: Issuer;
  let call: Call;
  const folder = deviceFolder();
  const limits = { REGISTRATION_LIMIT_PER_HOUR: '5', DEVICES_PER_USER: '3' };
  beforeAll(async () => {
    issuer = await startIssuer(limits, folder);
    call = httpClient(issuer.url);
  });
  afterAll(() => issuer.remove());
  const someone = () => {
    const person = newPerson();
    return { username: usernameOf(person), password: person.password };
  };
  const known = someone();
  const p256 = createECDH('prime256v1').generateKeys().toString('base64url');
  const keyed = (credentials: object) => ({ ...credentials, curve: 'P-256', client_public_key: p256 });

  it('are as many as a user may have, until one is revoked', async () => {
    const person = someone();
    const first = await registerDevice(call, person);
    for (const _pending of [1, 2]) await beginDevice(call, person);
    const third = await call('POST', '/api/auth/register-device', { body: keyed(person) });
    expectProblem(third, 'device_limit_reached');
    expect(third.body['params']).toEqual({ limit: 3 });
    // Nobody without the password learns of it.
    const stranger = await call('POST', '/api/auth/register-device', { body: keyed({ ...person, password: 'wrong' }) });
    expectProblem(stranger, 'credentials_invalid');
    const { body } = await loginOnDevice(call, first, person.password);
    const bearer = String(body['access_token']);
    expect((await call('DELETE', `/api/auth/devices/${first.id}`, { bearer })).status).toBe(200);
    expect((await beginDevice(call, person)).id).toBeDefined();
  });

  it('tell no more about who has an account than an address may ask, whatever the password is', async () => {
    const other = await startIssuer({ REGISTRATION_LIMIT_PER_HOUR: '4' }, deviceFolder());
    const at = httpClient(other.url);
    const taken = someone();
    await registerDevice(at, taken);
    const ask = (username: string, password = 'short') =>
      at('POST', '/api/auth/register-device', { body: keyed({ username, password }) });
    const answers = [];
    for (const username of [taken.username, 'a', 'b', 'c', taken.username]) answers.push(await ask(username));
    expect(answers.map(({ status }) => status)).toEqual([401, 400, 400, 429, 429]);
    const [free, known] = answers.slice(3).map(({ headers }) => headers['ratelimit-policy']);
    expect([free, known]).toEqual(['"registration";q=4;w=3600', '"registration";q=4;w=3600']);
    // Who has the password registers on.
    await registerDevice(at, taken);
    await other.remove();
  });

  it('make no more accounts than the address may; devices of known users go on', async () => {
    await registerDevice(call, known);
    const begin = () => call('POST', '/api/auth/register-device', { body: keyed(someone()) });
    const answers = [await begin(), await begin(), await begin()];
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 429]);
    expect(Number(answers[2]?.headers['retry-after'])).toBeGreaterThan(3500);
    expect(answers[2]?.headers['ratelimit-policy']).toBe('"registration";q=5;w=3600');
    await registerDevice(call, known);
  });

  it('belong to names that can be seen; an account that has another one goes on with it', async () => {
    for (const code of [0x200b, 0x202e, 0x3164]) {
      const { username, password } = someone();
      const hidden = `${username}${String.fromCodePoint(code)}`;
      const refused = await call('POST', '/api/auth/register-device', { body: keyed({ username: hidden, password }) });
      expectProblem(refused, 'username_unseen', 'invalid request');
      expect(refused.body['fields']).toEqual([{ path: '/username', code: 'username_unseen' }]);
    }
    const { username, password } = known;
    const of = `WHERE username_key = '${username}'`;
    await folder.database.change(
      `UPDATE users SET username = '${username}\u200b', username_key = '${username}\u200b' ${of}`,
    );
    const device = await registerDevice(call, { username: `${username}\u200b`, password });
    expect((await loginOnDevice(call, device, password)).status).toBe(200);
  });
});
