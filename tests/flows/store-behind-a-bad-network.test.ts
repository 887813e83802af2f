/**
 * What people see while the network between issuer and store is slow, loses answers of what was done, or forgets its connections:
 * 503 with Retry-After and nothing else, nobody logged out, and nothing done twice that was asked twice.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { isPostgresMissing, startPostgres } from '@sallyport/storage/postgres/testing';
import { isRedisMissing, startRedis } from '@sallyport/storage/redis/testing';
import { type FaultProxy, startFaultProxy } from '@sallyport/storage/testing/fault-proxy';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { sabotagedIssuer } from '../prove/sabotaged-issuer.ts';
import { isOnPostgres, isOnRedis } from '../testing/database.ts';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { newPerson, register, signUp, tokensOf } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

const answerLimitMs = 2000;
const returnLimitMs = 5000;
const overlapSeconds = 2;

interface Store {
  readonly url: string;
  stop(): Promise<void>;
}

const stores = [
  {
    name: 'PostgreSQL',
    setting: 'DATABASE_URL',
    missing: isPostgresMissing,
    start: (): Promise<Store> => startPostgres(),
  },
  { name: 'Redis', setting: 'REDIS_URL', missing: isRedisMissing, start: (): Promise<Store> => startRedis() },
];

const isElsewhere = isOnPostgres || isOnRedis;

describe.each(stores)('behind a bad network to $name', ({ setting, missing, start }) => {
  const isMissing = isElsewhere || missing();
  let server: Store;
  let network: FaultProxy;
  let issuer: Issuer;
  let call: Call;
  const settings = () => ({
    [setting]: network.url,
    REFRESH_ROTATION: 'on',
    REFRESH_OVERLAP_SECONDS: String(overlapSeconds),
  });

  beforeAll(async () => {
    if (isMissing) return;
    server = await start();
    network = await startFaultProxy(server.url);
    issuer = await startIssuer(settings());
    call = httpClient(issuer.url);
  });
  afterAll(async () => {
    if (isMissing) return;
    await issuer.remove();
    await network.stop();
    await server.stop();
  });

  let marks = 0;
  /** Stands in what a verb writes of who asked, and so in no request to the store but in that of the verb. */
  const newMark = (): string => {
    marks += 1;
    return `marked-agent-${marks}-of-${setting}`;
  };
  const refresh = (at: Call, token: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
    at('POST', '/auth/refresh', { body: { refresh_token: token }, headers });
  const isReady = async (at: Call): Promise<boolean> => (await at('GET', '/ready')).status === 200;
  const backAgain = (at: Call = call): Promise<void> =>
    expect.poll(() => isReady(at), { timeout: returnLimitMs, interval: 20 }).toBe(true);

  /** As a client does it that is told to come back: without losing time, since the overlap runs from the moment the store is back. */
  const onceAnswered = async (ask: () => Promise<Answer>): Promise<Answer> => {
    const until = performance.now() + returnLimitMs;
    for (let answer = await ask(); ; answer = await ask()) {
      if (answer.status !== 503 || performance.now() > until) return answer;
      await sleep(20);
    }
  };

  /** A refresh that is committed and answered by nobody. */
  const refreshInVain = async (at: Call, headers: Readonly<Record<string, string>> = {}): Promise<string> => {
    const { refresh: token } = await signUp(at);
    const mark = newMark();
    const lost = network.loseAnswerTo(mark);
    const refused = await refresh(at, token, { ...headers, 'user-agent': mark });
    expectProblem(refused, 'store_unavailable');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    await lost;
    await backAgain(at);
    return token;
  };

  it.skipIf(isMissing)('that is slow: later, and right', async () => {
    network.delay(20);
    const { refresh: token, access } = await signUp(call);
    const successors = (await Promise.all([refresh(call, token), refresh(call, token)])).map(tokensOf);
    expect(new Set(successors.map((tokens) => tokens.refresh)).size).toBe(1);
    expect((await call('GET', '/auth/verify', { bearer: access })).status).toBe(200);
    network.delay(0);
  });

  it.skipIf(isMissing)(
    'that loses the answers to refreshes and is away for longer than the overlap: the same tokens serve, with and without attempt id',
    async () => {
      const forgetful = sabotagedIssuer({
        file: 'tokens/unsettled.ts',
        find: 'open.set(sessionId, rotationId);',
        replace: '',
      });
      const twin = await startIssuer(settings(), issuer.folder, pathToFileURL(forgetful.entry).href);
      onTestFinished(async () => {
        await twin.stop();
        forgetful.remove();
      });
      const atTwin = httpClient(twin.url);
      const attempt = { 'idempotency-key': '0194e0a84f2c7a319a512f6f6e6f6a01' };
      const forgotten = await refreshInVain(atTwin);
      const known = await refreshInVain(call, attempt);
      // Last, since its overlap runs, and nothing else speaks for it.
      const unknown = await refreshInVain(call);
      // Settled by itself in the meantime, perhaps: who comes back now is sent away once more.
      network.swallow();
      const inVain = await Promise.all([refresh(call, known, attempt), refresh(call, unknown)]);
      for (const answer of inVain) expectProblem(answer, 'store_unavailable');
      await sleep(overlapSeconds * 1000 + 200);
      network.heal();
      const [one, other] = await Promise.all([
        onceAnswered(() => refresh(call, known, attempt)),
        onceAnswered(() => refresh(call, unknown)),
      ]);
      expect([one.status, other.status]).toEqual([200, 200]);
      expect((await refresh(call, tokensOf(one).refresh)).status).toBe(200);
      expect((await refresh(call, tokensOf(other).refresh)).status).toBe(200);
      // An issuer that does not remember what it does not know makes a thief of the holder.
      expectProblem(await onceAnswered(() => refresh(atTwin, forgotten)), 'refresh_reused');
    },
  );

  it.skipIf(isMissing)('that loses a request: 503, nothing was done, and the same again is', async () => {
    const { refresh: token } = await signUp(call);
    const mark = newMark();
    const lost = network.loseRequestWith(mark);
    expectProblem(await refresh(call, token, { 'user-agent': mark }), 'store_unavailable');
    await lost;
    await backAgain();
    const again = await refresh(call, token);
    expect(again.status).toBe(200);
    expect((await refresh(call, tokensOf(again).refresh)).status).toBe(200);
  });

  it.skipIf(isMissing)('that loses the answer to a login: 503, and the next one serves', async () => {
    const { person } = await signUp(call);
    const { email, password } = person;
    const mark = newMark();
    const lost = network.loseAnswerTo(mark);
    const sent = { body: { email, password }, headers: { 'user-agent': mark } };
    expectProblem(await call('POST', '/auth/login', sent), 'store_unavailable');
    await lost;
    await backAgain();
    expect((await call('POST', '/auth/login', { body: { email, password } })).status).toBe(200);
  });

  it.skipIf(isMissing)(
    'that forgets its connections: 503 in time, keys and verification serve, back by itself with every session',
    async () => {
      const { refresh: token, access } = await signUp(call);
      network.swallow();
      const began = performance.now();
      const refused = await Promise.all(Array.from({ length: 20 }, () => refresh(call, token)));
      expect(performance.now() - began).toBeLessThan(answerLimitMs + 500);
      for (const answer of refused) expectProblem(answer, 'store_unavailable');
      expect((await call('GET', '/.well-known/jwks.json')).status).toBe(200);
      expect((await call('GET', '/health')).status).toBe(200);
      expect(await isReady(call)).toBe(false);
      network.heal();
      await backAgain();
      expect((await refresh(call, token)).status).toBe(200);
      expect((await call('GET', '/auth/verify', { bearer: access })).status).toBe(200);
    },
  );

  it.skipIf(isMissing)('that resets every connection: nobody is logged out, and what follows serves', async () => {
    const { refresh: token } = await signUp(call);
    network.cut();
    await backAgain();
    expect((await refresh(call, token)).status).toBe(200);
  });

  // What Redis keeps of these is told above: the rest stands in SQL.
  if (setting === 'DATABASE_URL')
    it.skipIf(isMissing)(
      'that loses the answers to a registration, a password change and a logout: each was done, and can be asked again',
      async () => {
        const person = newPerson();
        const { email, password } = person;
        const marked = async (work: (headers: Readonly<Record<string, string>>) => Promise<Answer>): Promise<void> => {
          const mark = newMark();
          const lost = network.loseAnswerTo(mark);
          expectProblem(await work({ 'user-agent': mark }), 'store_unavailable');
          await lost;
        };
        await marked((headers) => call('POST', '/auth/register', { body: person, headers }));
        expectProblem(await register(call, person), 'account_exists');
        const { access } = tokensOf(await call('POST', '/auth/login', { body: { email, password } }));
        const next = newPerson().password;
        const change = { current_password: password, new_password: next };
        await marked((headers) => call('POST', '/auth/password', { body: change, headers, bearer: access }));
        expect((await call('POST', '/auth/login', { body: { email, password } })).status).toBe(401);
        const { refresh: token } = tokensOf(await call('POST', '/auth/login', { body: { email, password: next } }));
        const body = { refresh_token: token };
        await marked((headers) => call('POST', '/auth/logout', { body, headers }));
        expectProblem(await refresh(call, token), 'session_revoked');
        expect((await call('POST', '/auth/logout', { body })).status).toBe(200);
      },
    );
});
