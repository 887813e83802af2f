import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sabotagedIssuer } from '../prove/sabotaged-issuer.ts';
import { type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, type IssuerFolder, issuerFolder, setDisabled, startIssuer } from '../testing/issuer.ts';
import { newPerson, type Person, register, signUp } from '../testing/people.ts';
import { rawExchange } from '../testing/raw-exchange.ts';

const settings = { LOCKOUT: 'on', LOGIN_LIMIT_PER_ADDRESS_PER_MINUTE: '0', REVEAL_DISABLED_ACCOUNTS: 'off' };
const guess = 'correct horse guesses';

/** The answer as it came, byte by byte, without what differs between any two answers. */
const rawPost = async (url: string, path: string, body: object): Promise<string> => {
  const text = JSON.stringify(body);
  const lines = ['Host: localhost', 'Connection: close', 'Content-Type: application/json'];
  const head = [`POST ${path} HTTP/1.1`, ...lines, `Content-Length: ${Buffer.byteLength(text)}`, '', ''].join('\r\n');
  const answer = await rawExchange(url, `${head}${text}`);
  return answer
    .replace(/^(date: ).*$/gim, '$1…')
    .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '…')
    .replace(/(retry-after: |;t=|"retryAfterSeconds":)\d+/gi, '$1…');
};
const login = (url: string, { email }: Person, password: string) => rawPost(url, '/auth/login', { email, password });

const removePassword = async ({ database }: IssuerFolder, { email }: Person): Promise<void> => {
  expect(await database.change(`UPDATE users SET password_hash = NULL WHERE email = '${email}'`)).toBe(1);
};
const lock = async (call: Call, { email }: Person): Promise<void> => {
  for (let count = 0; count < 10; count += 1)
    expect((await call('POST', '/auth/login', { body: { email, password: guess } })).status).toBe(401);
};
const registered = async (call: Call): Promise<Person> => {
  const person = newPerson();
  expect((await register(call, person)).status).toBe(201);
  return person;
};

/** Every way to fail, as [name, person, password]. */
const failures = async ({ url, folder }: Issuer): Promise<readonly (readonly [string, Person, string])[]> => {
  const call = httpClient(url);
  const [wrong, withoutPassword, locked, disabled] = [
    await registered(call),
    await registered(call),
    await registered(call),
    await registered(call),
  ];
  await removePassword(folder, withoutPassword);
  await lock(call, locked);
  await setDisabled(folder, disabled.email, true);
  const deleted = await signUp(call);
  expect((await call('DELETE', '/auth/account', { bearer: deleted.access })).status).toBe(200);
  return [
    ['unknown user', newPerson(), guess],
    ['wrong password', wrong, guess],
    ['account without password', withoutPassword, guess],
    ['locked, wrong password', locked, guess],
    ['locked, right password', locked, locked.password],
    ['disabled, wrong password', disabled, guess],
    ['disabled, right password', disabled, disabled.password],
    ['deleted, right password', deleted.person, deleted.person.password],
    ['wrong password, longer than bcrypt takes', wrong, 'x'.repeat(100)],
    ['unknown user, the same', newPerson(), 'x'.repeat(100)],
  ];
};

describe('a failed login', () => {
  let issuer: Issuer;
  beforeAll(async () => {
    issuer = await startIssuer(settings);
  });
  afterAll(() => issuer.remove());

  it('has one answer, byte by byte: status, headers and their order, body', async () => {
    const answers = new Map<string, string[]>();
    for (const [name, person, password] of await failures(issuer)) {
      const answer = await login(issuer.url, person, password);
      answers.set(answer, [...(answers.get(answer) ?? []), name]);
    }
    expect([...answers.values()]).toHaveLength(1);
    expect([...answers.keys()][0]).toMatch(/^HTTP\/1\.1 401 [\s\S]*"code":"credentials_invalid"/);
  });

  it('tells a disabled account only to whoever knows its password, and only where the contract has it', async () => {
    const revealing = await startIssuer({ REVEAL_DISABLED_ACCOUNTS: 'on' });
    const call = httpClient(revealing.url);
    const disabled = await registered(call);
    await setDisabled(revealing.folder, disabled.email, true);
    expect(await login(revealing.url, disabled, guess)).toBe(await login(revealing.url, newPerson(), guess));
    expect(await login(revealing.url, disabled, disabled.password)).toMatch(/^HTTP\/1\.1 403 [\s\S]*account_disabled/);
    await revealing.remove();
  });

  it('is told apart where the issuer is sabotaged: the comparison can fail', async () => {
    const broken = sabotagedIssuer({
      file: 'login/http.ts',
      find: "settings.revealDisabled ? 'account_disabled'",
      replace: "outcome.kind === 'disabled' ? 'account_disabled'",
    });
    const sabotaged = await startIssuer(settings, issuerFolder(), pathToFileURL(broken.entry).href);
    const disabled = await registered(httpClient(sabotaged.url));
    await setDisabled(sabotaged.folder, disabled.email, true);
    const answer = await login(sabotaged.url, disabled, disabled.password);
    expect(answer).not.toBe(await login(sabotaged.url, newPerson(), guess));
    await sabotaged.remove();
    broken.remove();
  });
});

describe('the limit', () => {
  let issuer: Issuer;
  beforeAll(async () => {
    issuer = await startIssuer({ ...settings, LOGIN_LIMIT_PER_MINUTE: '10' });
  });
  afterAll(() => issuer.remove());

  it('counts and answers alike: ten times 401, then 429, whatever is wrong', async () => {
    const call = httpClient(issuer.url);
    const withoutPassword = await registered(call);
    await removePassword(issuer.folder, withoutPassword);
    const [wrong, disabled] = [await registered(call), await registered(call)];
    await setDisabled(issuer.folder, disabled.email, true);
    const sequences = [];
    for (const [person, password] of [
      [newPerson(), guess],
      [wrong, guess],
      [withoutPassword, guess],
      [disabled, guess],
    ] as const) {
      sequences.push(await answersTo(person, () => password));
    }
    // One of the guesses is right: it is counted like the others.
    const almost = await registered(call);
    await setDisabled(issuer.folder, almost.email, true);
    sequences.push(await answersTo(almost, (index) => (index === 5 ? almost.password : guess)));
    for (const sequence of sequences) expect(sequence).toEqual(sequences[0]);
    expect(sequences[0]?.map((answer) => answer.slice(9, 12))).toEqual([...Array(10).fill('401'), '429', '429']);
  });

  const answersTo = async (person: Person, passwordAt: (index: number) => string): Promise<string[]> => {
    const answers = [];
    for (let index = 0; index < 12; index += 1) answers.push(await login(issuer.url, person, passwordAt(index)));
    return answers;
  };
});

describe('neighbours of the login', () => {
  let issuer: Issuer;
  beforeAll(async () => {
    issuer = await startIssuer(settings);
  });
  afterAll(() => issuer.remove());

  it('a registration judges the password before it looks for the account', async () => {
    const taken = await registered(httpClient(issuer.url));
    const attempt = ({ email }: Person) =>
      rawPost(issuer.url, '/auth/register', { email, password: 'short', name: 'Ann' });
    expect(await attempt(taken)).toBe(await attempt(newPerson()));
  });

  it('a refresh does not tell a disabled account from a session that was ended', async () => {
    const call = httpClient(issuer.url);
    const [disabled, ended] = [await signUp(call), await signUp(call)];
    await setDisabled(issuer.folder, disabled.person.email, true);
    await call('POST', '/auth/logout', { body: { refresh_token: ended.refresh } });
    const refresh = ({ refresh: token }: { refresh: string }) =>
      rawPost(issuer.url, '/auth/refresh', { refresh_token: token });
    const answer = await refresh(disabled);
    expect(answer).toMatch(/"code":"session_revoked"/);
    expect(answer).toBe(await refresh(ended));
  });
});
