/** contracts/event-driven.md as a client sees it: through the gateway, on a real Kafka broker, with every server its own process. */
import { anyKafka, isAnyKafkaMissing, type KafkaBrokers } from '@sallyport/auth/outbox/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isOnRedis } from '../testing/database.ts';
import { type EventDriven, startEventDriven } from '../testing/event-driven.ts';
import { decodeToken } from '../testing/forge.ts';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { newPerson, type Person, tokensOf } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';
import { readTopic } from '../testing/read-topic.ts';

const patience = { timeout: 45_000, interval: 50 };

describe.skipIf(isAnyKafkaMissing())('the preset event-driven', () => {
  let kafka: KafkaBrokers;
  let system: EventDriven;
  let call: Call;
  beforeAll(async () => {
    kafka = await anyKafka();
    system = await startEventDriven(kafka, { issuer: { REFRESH_OVERLAP_SECONDS: '0' } });
    call = httpClient(system.gateway.url);
  }, 90_000);
  afterAll(async () => {
    await system?.remove();
    await kafka?.stop();
  });

  const register = (person: Person): Promise<Answer> => call('POST', '/register', { body: person });
  const login = (email: string, password: string): Promise<Answer> =>
    call('POST', '/login', { body: { email, password } });
  const refresh = (token: string): Promise<Answer> => call('POST', '/refresh', { body: { refresh_token: token } });
  const profile = (bearer: string): Promise<Answer> => call('GET', '/profile', { bearer });
  const untilProfile = (bearer: string) => expect.poll(async () => (await profile(bearer)).status, patience).toBe(200);
  const signUp = async (person = newPerson()) => {
    expect((await register(person)).status).toBe(201);
    const answer = await login(person.email, person.password);
    expect(answer.status).toBe(200);
    return { person, answer, ...tokensOf(answer) };
  };

  it('makes a profile from USER_CREATED, which says who registered and nothing secret', async () => {
    const person = newPerson();
    const registered = await register(person);
    expect(registered).toMatchObject({ status: 201, body: { user: { email: person.email, name: person.name } } });
    expect(registered.body).not.toHaveProperty('access_token');
    const { id } = registered.body['user'] as { readonly id: string };
    const answer = await login(person.email, person.password);
    expect(answer.body).toMatchObject({ token_type: 'Bearer', expires_in: 3600, user: { id } });
    const { access } = tokensOf(answer);
    const early = await profile(access);
    if (early.status !== 200) expectProblem(early, 'not_found');
    await untilProfile(access);
    expect((await profile(access)).body).toEqual({
      profile: { user_id: id, email: person.email, name: person.name, created_at: expect.any(String) },
    });

    const reader = readTopic(kafka.brokers, kafka.topic);
    const find = () => reader.records.find(({ headers, key }) => headers['ce_type'] === 'USER_CREATED' && key === id);
    await expect.poll(find, patience).toBeDefined();
    const { value = '', headers = {} } = find() ?? {};
    expect(headers).toMatchObject({
      ce_specversion: '1.0',
      ce_source: '/auth',
      ce_subject: id,
      ce_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      ce_time: expect.stringMatching(/Z$/),
      'content-type': 'application/json',
    });
    expect(JSON.parse(value)).toEqual({
      user_id: id,
      email: person.email,
      name: person.name,
      created_at: expect.any(String),
    });
    const all = JSON.stringify(reader.records);
    for (const secret of [person.password, ...Object.values(tokensOf(answer))]) expect(all).not.toContain(secret);
    await reader.stop();
  }, 60_000);

  it('issues tokens with the claims of the contract, which the gateway judges without the issuer', async () => {
    const { access, answer } = await signUp();
    const { header, claims } = decodeToken(access);
    expect(header['alg']).toBe('HS256');
    const { id } = answer.body['user'] as { readonly id: string };
    expect(claims).toMatchObject({ sub: id, iss: 'realchat-auth', aud: 'realchat' });
    expect(claims['exp']).toBe(Number(claims['iat']) + 3600);
    for (const personal of ['email', 'name']) expect(claims).not.toHaveProperty(personal);
    await untilProfile(access);
    system.issuer.signal('SIGSTOP');
    try {
      expect((await profile(access)).status).toBe(200);
    } finally {
      system.issuer.signal('SIGCONT');
    }
    const [head, body] = access.split('.');
    expectProblem(await profile(`${head}.${body}.${'A'.repeat(43)}`), 'token_invalid', 'InvalidToken');
    expectProblem(await call('GET', '/profile'), 'token_missing', 'InvalidToken');
    expect((await call('GET', '/me', { bearer: access })).status).toBe(200);
    expect((await call('GET', '/sessions', { bearer: access })).body['sessions']).toHaveLength(1);
  });

  it('has one answer for a wrong password and for nobody', async () => {
    const { person } = await signUp();
    const wrong = await login(person.email, 'wrong horse battery');
    const unknown = await login(newPerson().email, 'wrong horse battery');
    for (const answer of [wrong, unknown]) expectProblem(answer, 'credentials_invalid', 'InvalidCredentials');
    const bare = ({ body: { instance: _, ...rest } }: Answer) => rest;
    expect(bare(wrong)).toEqual(bare(unknown));
  });

  it('consumes a refresh token at its use, ends the family of one that is used again, and keeps none in the clear', async () => {
    const phone = await signUp();
    const laptop = tokensOf(await login(phone.person.email, phone.person.password));
    const next = await refresh(phone.refresh);
    expect(next.body).toMatchObject({ token_type: 'Bearer', expires_in: 3600 });
    const successor = tokensOf(next).refresh;
    expect(successor).not.toBe(phone.refresh);
    const bytes = await system.installation.folder.database.allBytes();
    for (const token of [phone.refresh, successor, laptop.refresh]) expect(bytes.includes(token)).toBe(false);
    expectProblem(await refresh(phone.refresh), 'refresh_reused', 'InvalidToken');
    expectProblem(await refresh(successor), 'refresh_reused', 'InvalidToken');
    expectProblem(await refresh('nonsense'), 'refresh_invalid', 'InvalidToken');
    expect((await refresh(laptop.refresh)).status).toBe(200);
  });

  it('logs one device out at once, and no other', async () => {
    const phone = await signUp();
    const laptop = tokensOf(await login(phone.person.email, phone.person.password));
    expect((await call('POST', '/logout', { body: { refresh_token: phone.refresh } })).status).toBe(200);
    expectProblem(await refresh(phone.refresh), 'session_revoked', 'InvalidToken');
    expect((await call('GET', '/me', { bearer: laptop.access })).status).toBe(200);
    const isOut = async () => (await call('GET', '/me', { bearer: phone.access })).status;
    await expect.poll(isOut, { timeout: 5000, interval: 20 }).toBe(401);
    expect((await refresh(laptop.refresh)).status).toBe(200);
  });

  it('makes up for what the profile service has missed, from the first event that it has not acknowledged', async () => {
    const people: string[] = [];
    await system.withoutProfiles(async () => {
      people.push((await signUp()).access, (await signUp()).access);
      expect((await profile(people[0] ?? '')).status).toBe(502);
    });
    for (const access of people) await untilProfile(access);
  });

  it('tells nobody of a registration that was rolled back', async () => {
    const { database } = system.installation.folder;
    const refused = newPerson();
    const mend = await database.refuseEffects('user.created');
    const answer = await register(refused);
    await mend();
    expect(answer.status).toBeGreaterThanOrEqual(500);
    expect((await login(refused.email, refused.password)).status).toBe(401);
    const { access, person } = await signUp();
    await untilProfile(access);
    const reader = readTopic(kafka.brokers, kafka.topic);
    const speaksOf = ({ email }: Person) => reader.records.some(({ value }) => value.includes(email));
    await expect.poll(() => speaksOf(person), patience).toBe(true);
    expect(speaksOf(refused)).toBe(false);
    await reader.stop();
  });

  it.skipIf(isOnRedis)('says InternalError, 503 and nothing else while the database is away', async () => {
    const { person, refresh: token } = await signUp();
    const unlock = await system.installation.folder.database.lockWrites();
    const answers = await Promise.all([login(person.email, person.password), refresh(token)]);
    await unlock();
    for (const answer of answers) {
      expectProblem(answer, 'store_unavailable', 'InternalError');
      expect(answer.status).toBe(503);
    }
  });

  it('registers people while the broker hangs and while it is gone, and their events follow', async ({ skip }) => {
    const { own } = kafka;
    if (own === undefined) return skip("nobody kills somebody else's broker");
    await own.freeze();
    const first = await signUp();
    await own.kill();
    const second = await signUp();
    await own.restart();
    await untilProfile(first.access);
    await untilProfile(second.access);
  }, 120_000);
});
