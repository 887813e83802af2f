import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChildServer } from '../testing/child-server.ts';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { readMetric } from '../testing/metrics.ts';
import { newInstallation, startGateway } from '../testing/microservices.ts';
import { newPerson, type Person, register, signUp } from '../testing/people.ts';

const guess = (call: Call, { email }: Person, headers = {}, path = '/auth/login'): Promise<Answer> =>
  call('POST', path, { body: { email, password: 'correct horse guesses' }, headers });
const statuses = async (count: number, send: (index: number) => Promise<Answer>): Promise<number[]> => {
  const seen = [];
  for (let index = 0; index < count; index += 1) seen.push((await send(index)).status);
  return seen;
};

describe('a guess counts', () => {
  let issuer: Issuer;
  let call: Call;
  beforeAll(async () => {
    const limits = { LOGIN_LIMIT_PER_MINUTE: '10', LOGIN_LIMIT_PER_ADDRESS_PER_MINUTE: '0', BCRYPT_COST: '11' };
    issuer = await startIssuer(limits);
    call = httpClient(issuer.url);
  });
  afterAll(() => issuer.remove());

  const someone = async (): Promise<Person> => {
    const person = newPerson();
    expect((await register(call, person)).status).toBe(201);
    return person;
  };

  it('also where its sender hangs up before the hash is done', async () => {
    const person = await someone();
    let answered = 0;
    for (let count = 0; count < 10; count += 1) answered += (await sendAndHangUp(issuer, person)) ? 1 : 0;
    // A machine that is busy with others may have been too fast for one.
    expect(answered).toBeLessThan(5);
    // None of them is waited for by anybody; the one that comes next waits until they are judged.
    expect((await guess(call, person)).status).toBe(429);
  });

  it('also where the store fails after it was judged', async () => {
    const person = await someone();
    // Every trace of a failed login is refused by the database itself, after the guess has been judged.
    const mend = await issuer.folder.database.refuseEffects('login.failed');
    const broken = await statuses(10, () => guess(call, person));
    await mend();
    expect(broken.every((status) => status >= 500)).toBe(true);
    expect((await guess(call, person)).status).toBe(429);
  });

  it('not where the password is right, so that any number of people may come through one address', async () => {
    const person = await someone();
    const { email, password } = person;
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => call('POST', '/auth/login', { body: { email, password } })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
  });
});

describe('a locked account', () => {
  it('keeps its live sessions: access token, refresh and change of the refresh token go on', async () => {
    const issuer = await startIssuer({ LOCKOUT: 'on', REFRESH_ROTATION: 'on' });
    const call = httpClient(issuer.url);
    const session = await signUp(call);
    const { email, password } = session.person;
    expect(await statuses(10, () => guess(call, session.person))).toEqual(Array(10).fill(401));
    expect((await call('POST', '/auth/login', { body: { email, password } })).status).toBe(401);
    expect((await call('GET', '/auth/me', { bearer: session.access })).status).toBe(200);
    const refreshed = await call('POST', '/auth/refresh', { body: { refresh_token: session.refresh } });
    expect(refreshed.status).toBe(200);
    expect((await call('GET', '/auth/me', { bearer: String(refreshed.body['access_token']) })).status).toBe(200);
    await issuer.remove();
  });
});

describe('behind the gateway', () => {
  const installation = newInstallation();
  const keys = { GATEWAY_ASSERTION_KEYS: installation.assertionKeys('auth-service') };
  let issuer: Issuer;
  let open: ChildServer;
  let proxied: ChildServer;
  beforeAll(async () => {
    const limits = { LOGIN_LIMIT_PER_MINUTE: '100', LOGIN_LIMIT_PER_ADDRESS_PER_MINUTE: '5' };
    issuer = await startIssuer({ ...keys, ...limits }, installation.folder);
    open = await startGateway(installation, { AUTH_SERVICE_URL: issuer.url });
    proxied = await startGateway(installation, { AUTH_SERVICE_URL: issuer.url, TRUSTED_PROXIES: '127.0.0.1' });
  });
  afterAll(async () => {
    await Promise.all([open.stop(), proxied.stop()]);
    await issuer.remove();
  });

  const from = (gateway: ChildServer, address: string) =>
    guess(httpClient(gateway.url), newPerson(), { 'x-forwarded-for': address }, '/api/v1/auth/login');

  it('guesses are counted by the address that a trusted proxy gives: each has its own count, an IPv6 /64 has one', async () => {
    expect(await statuses(7, () => from(proxied, '198.51.100.1'))).toEqual([401, 401, 401, 401, 401, 429, 429]);
    expect(await statuses(2, () => from(proxied, '198.51.100.2'))).toEqual([401, 401]);
    const sameNetwork = await statuses(7, (index) => from(proxied, `2001:db8:1:2:${index}::${index}`));
    expect(sameNetwork).toEqual([401, 401, 401, 401, 401, 429, 429]);
    expect((await from(proxied, '2001:db8:1:3::1')).status).toBe(401);
  });

  it('a client that writes X-Forwarded-For itself gains nothing, at the gateway and at the issuer', async () => {
    const answers = await statuses(8, (index) => from(open, `203.0.113.${index}`));
    expect(answers).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
    const direct = httpClient(issuer.url);
    const rotating = (index: number) => guess(direct, newPerson(), { 'x-forwarded-for': `203.0.113.${100 + index}` });
    expect(await statuses(3, rotating)).toEqual([429, 429, 429]);
  });
});

/** Hangs up as soon as the hash is begun. Returns whether the answer was faster. */
const sendAndHangUp = async ({ url, privateUrl }: ChildServer, { email }: Person): Promise<boolean> => {
  const { hostname, port } = new URL(url);
  const body = JSON.stringify({ email, password: 'correct horse guesses' });
  const head = ['POST /auth/login HTTP/1.1', 'Host: localhost', 'Content-Type: application/json'];
  const begun = (): Promise<number> => readMetric(privateUrl, 'sallyport_auth_hash_pool_started');
  const before = await begun();
  const socket = connect({ host: hostname, port: Number(port) });
  let answered = false;
  socket.on('data', () => {
    answered = true;
  });
  socket.write([...head, `Content-Length: ${body.length}`, '', body].join('\r\n'));
  while ((await begun()) === before) await sleep(2);
  socket.destroy();
  return answered;
};
