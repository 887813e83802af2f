import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, type IssuerFolder, issuerFolder, startIssuer } from '../testing/issuer.ts';
import { login, newPerson, type Person, register, signUp } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

const storedHash = async ({ database }: IssuerFolder, { email }: Person): Promise<string> => {
  const [row] = await database.query(`SELECT password_hash FROM users WHERE email = '${email}'`);
  return String(row?.['password_hash']);
};

describe('stored passwords', () => {
  it('are bcrypt at cost 12 in the preset, Argon2id by the OWASP parameters where asked, rehashed at login', async () => {
    const folder = issuerFolder();
    const cost10 = /^\$2b\$10\$/;
    const kinds = [
      [{ BCRYPT_COST: '12' }, /^\$2b\$12\$/],
      [{ PASSWORD_HASH: 'argon2id' }, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/],
      [{ BCRYPT_COST: '10' }, cost10],
    ] as const;
    const person = newPerson();
    const hashes: string[] = [];
    let last: Issuer | undefined;
    for (const [settings, form] of kinds) {
      await last?.stop();
      last = await startIssuer(settings, folder);
      const call = httpClient(last.url);
      if (hashes.length === 0) await register(call, person);
      await login(call, person);
      hashes.push(await storedHash(folder, person));
      expect(hashes.at(-1)).toMatch(form);
      await login(call, person);
      // Hashed anew only where the settings have changed.
      expect(await storedHash(folder, person)).toBe(hashes.at(-1));
      const wrong = await call('POST', '/auth/login', { body: { email: person.email, password: 'wrong horse' } });
      expectProblem(wrong, 'credentials_invalid', 'Invalid credentials');
    }
    await last?.remove();
  });

  it('are hashed at cost 12 by default', async () => {
    const issuer = await startIssuer({ BCRYPT_COST: '' });
    const { person } = await signUp(httpClient(issuer.url));
    expect(await storedHash(issuer.folder, person)).toMatch(/^\$2b\$12\$/);
    await issuer.remove();
  });
});

describe('passwords at the door', () => {
  let issuer: Issuer;
  let call: Call;
  beforeAll(async () => {
    issuer = await startIssuer();
    call = httpClient(issuer.url);
  });
  afterAll(() => issuer.remove());

  it('of more than 72 bytes are refused, never cut: bytes count, not characters', async () => {
    for (const password of ['x'.repeat(73), 'ü'.repeat(37), `${'🦊'.repeat(18)}x`]) {
      const answer = await register(call, newPerson({ password }));
      expectProblem(answer, 'password_too_long', 'Invalid request body');
      expect(answer.body['params']).toEqual({ limitBytes: 72 });
    }
    const exact = newPerson({ password: 'x'.repeat(72) });
    expect((await register(call, exact)).status).toBe(201);
    expect((await login(call, exact)).access).toBeTruthy();
    for (const password of ['x'.repeat(73), `${'x'.repeat(72)}anything behind`, 'x'.repeat(71)]) {
      const answer = await call('POST', '/auth/login', { body: { email: exact.email, password } });
      expectProblem(answer, 'credentials_invalid', 'Invalid credentials');
    }
  });

  it('are one password in any normal form, compatibility characters included (NFKC)', async () => {
    const person = newPerson({ password: 'ﬃnal Ⅸ Ångström ①②③' });
    expect((await register(call, person)).status).toBe(201);
    for (const password of [
      person.password.normalize('NFD'),
      person.password.normalize('NFKC'),
      'ffinal IX Ångström 123',
    ]) {
      expect((await login(call, { ...person, password })).access).toBeTruthy();
    }
    const other = await call('POST', '/auth/login', {
      body: { email: person.email, password: 'FFINAL IX Ångström 123' },
    });
    expectProblem(other, 'credentials_invalid', 'Invalid credentials');
  });

  it('hold no NUL: bcrypt takes `pw` and `pw NUL pw` for one password', async () => {
    const person = newPerson({ password: 'correct horse' });
    for (const password of ['correct horse\u0000battery', 'correct horse\u0000', '\u0000correct horse']) {
      const answer = await register(call, { ...person, password });
      expectProblem(answer, 'password_invalid', 'Invalid request body');
    }
    expect((await register(call, person)).status).toBe(201);
    for (const password of ['correct horse\u0000correct horse', 'correct horse\u0000', 'correct horse\u0000another']) {
      const answer = await call('POST', '/auth/login', { body: { email: person.email, password } });
      expectProblem(answer, 'credentials_invalid', 'Invalid credentials');
    }
    expect((await login(call, person)).access).toBeTruthy();
  });

  it('never come back, and neither does their hash, in any answer', async () => {
    const one = await signUp(call);
    const answers: Answer[] = [
      one.answer,
      await register(call, newPerson()),
      await call('GET', '/auth/me', { bearer: one.access }),
      await call('GET', '/auth/verify', { bearer: one.access }),
      await call('GET', '/auth/sessions', { bearer: one.access }),
      await call('POST', '/auth/refresh', { body: { refresh_token: one.refresh } }),
      await register(call, one.person),
      await call('POST', '/auth/login', { body: { email: one.person.email, password: 'wrong horse battery' } }),
    ];
    const hash = await storedHash(issuer.folder, one.person);
    for (const { text } of answers) {
      expect(text).not.toContain(one.person.password);
      expect(text).not.toContain(hash);
      expect(text).not.toMatch(/\$2[aby]\$|argon2|password_?hash/i);
    }
  });
});

describe('the line of those who wait for a hash', () => {
  it('is bounded: beyond it 503 with Retry-After, and whoever has a place is served', async () => {
    const issuer = await startIssuer({ HASH_QUEUE_LENGTH: '1', BCRYPT_COST: '11' });
    const call = httpClient(issuer.url);
    const { person, access, refresh } = await signUp(call);
    const attempts = Array.from({ length: 24 }, () =>
      call('POST', '/auth/login', { body: { email: person.email, password: person.password } }),
    );
    // What needs no hash does not wait in that line.
    expect((await call('GET', '/auth/me', { bearer: access })).status).toBe(200);
    expect((await call('POST', '/auth/refresh', { body: { refresh_token: refresh } })).status).toBe(200);
    const answers = await Promise.all(attempts);
    const refused = answers.filter(({ status }) => status !== 200);
    expect(answers.length - refused.length).toBeGreaterThanOrEqual(2);
    expect(refused.length).toBeGreaterThan(0);
    for (const answer of refused) {
      expectProblem(answer, 'busy');
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
      expect(answer.body['params']).toEqual({ retryAfterSeconds: Number(answer.headers['retry-after']) });
    }
    expect((await login(call, person)).access).toBeTruthy();
    await issuer.remove();
  });
});
