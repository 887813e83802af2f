import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setCookies } from '../testing/cookies.ts';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { readMetric } from '../testing/metrics.ts';
import { expectProblem } from '../testing/problems.ts';

const base = '/api/v1/auth';
const strong = 'StrongPass123!';
let people = 0;
const ada = (password: string) => {
  people += 1;
  return { email: `ada.${people}@mail.example.org`, password, first_name: 'Ada', last_name: 'Lovelace' };
};

let issuer: Issuer;
let call: Call;
beforeAll(async () => {
  issuer = await startIssuer({ SALLYPORT_PRESET: 'cookie-spa' });
  call = httpClient(issuer.url);
});
afterAll(() => issuer.remove());

const register = (body: unknown) => call('POST', `${base}/register`, { body });
const bearerOf = async (): Promise<string> => String((await register(ada(strong))).body['access_token']);
const change = (bearer: string, new_password: unknown, current_password: unknown = strong) =>
  call('POST', `${base}/password`, { bearer, body: { current_password, new_password } });
const hashed = () => readMetric(issuer.privateUrl, 'sallyport_auth_hash_pool_started');
const scored = () => readMetric(issuer.privateUrl, 'sallyport_auth_password_scorer_started');

const refreshCookie = (answer: Answer): string =>
  `refresh_token=${setCookies(answer).find(({ name }) => name === 'refresh_token')?.value}`;

interface Feedback {
  readonly warning: string;
  readonly suggestions: readonly string[];
  readonly codes: { readonly warning: string; readonly suggestions: readonly string[] };
}
const feedbackOf = (answer: Answer) => answer.body['feedback'] as Feedback;

const refused = [
  ['Ab1!', 'password_too_short', 'tooShort', /too short/],
  ['sunshine', 'password_common', 'topHundred', /frequently used/],
  ['P@ssw0rd', 'password_common', 'similarToCommon', /similar to a commonly used/],
  ['adalovelace', 'password_personal', 'userInputs', /your name/],
  ['Lovelace-1815', 'password_personal', 'userInputs', /your name/],
  ['mail.example.org', 'password_personal', 'userInputs', /e-mail/],
  ['auth-service!', 'password_personal', 'userInputs', /name of this service/],
  ['lovelace10121815', 'password_personal', 'userInputs', /personal/],
  ['abcdefgh1', 'password_weak', 'sequences', /sequences/],
  ['zxcvbnm,./zxcvbnm', 'password_weak', 'straightRow', /keyboard/],
  ['7kq!mB2x', 'password_weak', 'weak', /easy to guess/],
  ['correct horse\u0000battery', 'password_invalid', 'characters', /cannot be typed/],
] as const;

describe('a new password', () => {
  it.each(refused)('%j is refused (%s) with a reason that a person understands', async (password, code, why, words) => {
    const bearer = await bearerOf();
    for (const [answer, path] of [
      [await register(ada(password)), '/password'],
      [await change(bearer, password), '/new_password'],
    ] as const) {
      expectProblem(answer, code);
      expect(answer.body['fields']).toMatchObject([{ path, code }]);
      const { warning, suggestions, codes } = feedbackOf(answer);
      expect(warning).toMatch(words);
      expect(codes.warning).toBe(why);
      // As many words as codes, none of them a bare code.
      expect(suggestions).toHaveLength(codes.suggestions.length);
      for (const suggestion of suggestions) expect(suggestion).toMatch(/ .*\.$/);
      // Neither what was typed nor the name is in the answer.
      expect(answer.text).not.toContain(JSON.stringify(password).slice(1, -1));
      expect(answer.text).not.toMatch(/lovelace/i);
    }
  });

  it('that is weak says how far it is from strong enough', async () => {
    const answer = await register(ada('abcdefgh1'));
    expect(answer.body['params']).toEqual({ score: expect.any(Number), minimum: 3 });
  });

  it('StrongPass123! passes, and so do a few words in a row', async () => {
    expect((await register(ada(strong))).status).toBe(201);
    expect((await register(ada('Ada walks along the river'))).status).toBe(201);
    expect((await change(await bearerOf(), 'correct horse battery')).status).toBe(200);
  });

  it('that is refused says the same whether the e-mail has an account or not, and costs no hash', async () => {
    const known = ada(strong);
    expect((await register(known)).status).toBe(201);
    const before = await hashed();
    for (const [password] of refused) {
      const stranger = { ...ada(password), email: known.email.replace('ada', 'eda') };
      const answers = [await register({ ...known, password }), await register(stranger)].map(({ status, body }) => ({
        status,
        ...body,
        instance: undefined,
      }));
      expect(answers[0]).toEqual(answers[1]);
    }
    expect(await hashed()).toBe(before);
  });

  it('is not accepted with a wrong current one', async () => {
    const bearer = await bearerOf();
    expectProblem(await change(bearer, 'correct horse battery', 'wrong horse'), 'credentials_invalid');
    expect((await change(bearer, 'correct horse battery')).status).toBe(200);
  });
});

describe('a password of a megabyte', () => {
  const doors = async (password: string) => {
    const bearer = await bearerOf();
    const before = [await hashed(), await scored()];
    const begun = performance.now();
    const answers = [
      await register(ada(password)),
      await call('POST', `${base}/login`, { body: { email: 'ada.1@mail.example.org', password } }),
      await change(bearer, password),
      await change(bearer, strong, password),
    ];
    const took = performance.now() - begun;
    expect([await hashed(), await scored()]).toEqual(before);
    return { answers, took };
  };

  it('is refused before anything is hashed or estimated, at every door', async () => {
    const { answers, took } = await doors('x'.repeat(1_048_576));
    for (const answer of answers) {
      expectProblem(answer, 'body_too_large');
      expect(answer.body['params']).toEqual({ limitBytes: 16_384 });
    }
    // Four answers; one Argon2 hash for each would be nothing against a megabyte that is normalised, scored and hashed.
    expect(took).toBeLessThan(2000);
  });

  it('and one that fits into a body but into no rule', async () => {
    const { answers } = await doors('x'.repeat(1025));
    for (const answer of answers) {
      expectProblem(answer, 'field_invalid');
      expect(answer.body['fields']).toMatchObject([{ code: 'too_long', params: { limit: 1024 } }]);
    }
  });
});

describe('passwords that are dear to estimate', () => {
  it('hold up nobody else: refreshes and reads go on while ten of them are judged', async () => {
    const first = await register(ada(strong));
    let cookie = refreshCookie(first);
    const dear = Array.from({ length: 10 }, (_, index) => register(ada(`${index}4@$5s0o1!il|/\\()<>`.repeat(50))));
    let judged = 0;
    for (const answer of dear) void answer.then(() => (judged += 1));
    const waits: number[] = [];
    while (judged < dear.length) {
      const begun = performance.now();
      const answer = await call('POST', `${base}/refresh-token`, { headers: { cookie } });
      expect(answer.status).toBe(200);
      cookie = refreshCookie(answer);
      waits.push(performance.now() - begun);
      await sleep(5);
    }
    expect(waits.length).toBeGreaterThan(10);
    // One estimate takes some 120 ms of a core: were it made on the event loop, most refreshes would wait for at least one.
    expect(waits.sort((a, b) => a - b)[Math.floor(waits.length / 2)]).toBeLessThan(100);
    for (const answer of await Promise.all(dear)) expect([201, 400]).toContain(answer.status);
  });
});

describe('the preset microservices', () => {
  it('asks for eight characters and nothing else: no thread is started', async () => {
    const plain = await startIssuer();
    const ask = httpClient(plain.url);
    const body = { email: 'password@example.org', name: 'password', password: 'password' };
    expect((await ask('POST', '/auth/register', { body })).status).toBe(201);
    expect(await readMetric(plain.privateUrl, 'sallyport_auth_password_scorer_started')).toBe(0);
    expect(await readMetric(plain.privateUrl, 'sallyport_auth_password_scorer_running')).toBe(0);
    await plain.remove();
  });
});

describe('an account that is locked for a time', () => {
  it('answers a password change as a wrong password, at the same cost, right or wrong', async () => {
    const locking = await startIssuer({ SALLYPORT_PRESET: 'cookie-spa', LOCKOUT: 'on' });
    const ask = httpClient(locking.url);
    const bearer = String((await ask('POST', `${base}/register`, { body: ada(strong) })).body['access_token']);
    const attempt = async (current_password: string) => {
      const count = () => readMetric(locking.privateUrl, 'sallyport_auth_hash_pool_started');
      const before = await count();
      const body = { current_password, new_password: 'correct horse battery' };
      const answer = await ask('POST', `${base}/password`, { bearer, body });
      expectProblem(answer, 'credentials_invalid');
      return { hashes: (await count()) - before, body: { ...answer.body, instance: undefined } };
    };
    const wrong = await attempt('wrong horse battery');
    for (let index = 1; index < 10; index += 1) await attempt('wrong horse battery');
    expect(await attempt(strong)).toEqual(wrong);
    expect(await attempt('wrong horse battery')).toEqual(wrong);
    expect(wrong.hashes).toBe(1);
    await locking.remove();
  });
});
