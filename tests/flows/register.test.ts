import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { login, newPerson, register } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

let issuer: Issuer;
let call: Call;
beforeAll(async () => {
  issuer = await startIssuer();
  call = httpClient(issuer.url);
});
afterAll(() => issuer.remove());

const missing = 'Email, password, and name are required';

describe('POST /auth/register', () => {
  it('makes an account and shows it, without tokens', async () => {
    const person = newPerson();
    const answer = await register(call, person);
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      message: 'User registered successfully',
      user: {
        id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
        email: person.email,
        name: person.name,
        role: 'user',
        roles: ['user'],
        permissions: [],
      },
    });
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
  });

  it('refuses what is no object in JSON', async () => {
    for (const body of ['{"email":', '[]', '"text"', 'null', '7', '', '\u0000']) {
      const answer = await call('POST', '/auth/register', { body, headers: { 'content-type': 'application/json' } });
      expectProblem(answer, 'body_invalid', 'Invalid request body');
    }
  });

  it('names the members that are missing or empty', async () => {
    const { email, password, name } = newPerson();
    for (const body of [{ email, password }, { email, name }, { password, name }, {}]) {
      expectProblem(await call('POST', '/auth/register', { body }), 'field_missing', missing);
    }
    for (const body of [
      { email, password, name: '' },
      { email, password, name: '  ' },
      { email: '', password, name },
      { email, password: '', name },
    ]) {
      expectProblem(await call('POST', '/auth/register', { body }), 'field_missing', missing);
    }
    const answer = await call('POST', '/auth/register', { body: { email, password } });
    expect(answer.body['fields']).toEqual([{ path: '/name', code: 'missing' }]);
  });

  it('takes a POST without body and content type for one with invalid body', async () => {
    const answer = await call('POST', '/auth/register');
    expectProblem(answer, 'body_invalid', 'Invalid request body');
  });

  it('refuses a password of fewer than 8 characters, counted in code points', async () => {
    for (const password of ['a', '1234567', '🦊🦊🦊🦊']) {
      const answer = await register(call, newPerson({ password }));
      expectProblem(answer, 'password_too_short', 'Password must be at least 8 characters');
      expect(answer.body['params']).toEqual({ minimum: 8 });
    }
    expect((await register(call, newPerson({ password: '🦊🦊🦊🦊🦊🦊🦊🦊' }))).status).toBe(201);
  });

  it('keeps e-mail to 255 and name to 100 characters, and takes exactly that many', async () => {
    const longest = `${'e'.repeat(64)}@${'d'.repeat(60)}.${'d'.repeat(60)}.${'d'.repeat(60)}.example`;
    const answer = await register(call, newPerson({ email: `${'e'.repeat(250)}@a.example` }));
    expectProblem(answer, 'field_invalid', 'Invalid request body');
    expectProblem(await register(call, newPerson({ name: 'n'.repeat(101) })), 'field_invalid', 'Invalid request body');
    expect((await register(call, newPerson({ email: longest }))).status).toBe(201);
    expect((await register(call, newPerson({ name: 'n'.repeat(100) }))).status).toBe(201);
  });

  it('refuses what is no e-mail address', async () => {
    for (const email of ['nobody', '@example.org', 'a@', 'a b@example.org', 'a@b@c']) {
      expectProblem(await register(call, newPerson({ email })), 'email_invalid', 'Invalid request body');
    }
  });

  it('refuses an e-mail that is taken, also in other case or width', async () => {
    const person = newPerson({ email: `Taken.${Date.now()}@Example.org` });
    expect((await register(call, person)).status).toBe(201);
    for (const email of [
      person.email,
      person.email.toUpperCase(),
      person.email.toLowerCase(),
      person.email.replace('Taken', 'Ｔaken'),
    ]) {
      const answer = await register(call, newPerson({ email }));
      expectProblem(answer, 'account_exists', 'User with this email already exists');
    }
    const { userId } = await login(call, { ...person, email: person.email.toUpperCase() });
    expect(userId).toBeTruthy();
  });

  it('makes one account of many registrations at once', async () => {
    const person = newPerson();
    const answers = await Promise.all(Array.from({ length: 8 }, () => register(call, person)));
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([
      201,
      ...Array.from({ length: 7 }, () => 409),
    ]);
  });

  it('takes no role and nothing else that it does not know from a request', async () => {
    for (const extra of [
      { role: 'admin' },
      { roles: ['admin'] },
      { permissions: ['*'] },
      { id: '1' },
      { is_admin: 1 },
    ]) {
      const answer = await call('POST', '/auth/register', { body: { ...newPerson(), ...extra } });
      expectProblem(answer, 'body_invalid', 'Invalid request body');
      const [member] = Object.keys(extra);
      expect(answer.body['fields']).toEqual([{ path: `/${member}`, code: 'unknown' }]);
    }
  });

  it('takes JSON alone', async () => {
    const form = 'email=a%40example.org&password=correct+horse&name=Ann';
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'application/xml', 'multipart/form-data']) {
      const answer = await call('POST', '/auth/register', { body: form, headers: { 'content-type': type } });
      expectProblem(answer, 'media_type_unsupported');
    }
    const without = await call('POST', '/auth/register', { body: JSON.stringify(newPerson()) });
    expectProblem(without, 'media_type_unsupported');
  });
});
