/** Two issuers on one PostgreSQL: what one has done, the other knows; and what people see while it is away. */
import { setTimeout as sleep } from 'node:timers/promises';
import { feedTokenOf } from '@sallyport/auth/maintenance';
import { isPostgresMissing, type PostgresServer, startPostgres } from '@sallyport/storage/postgres/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeToken } from '../testing/forge.ts';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, issuerFolder, refusedIssuer, startIssuer } from '../testing/issuer.ts';
import { signUp } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

const returnLimitMs = 5000;

describe.skipIf(isPostgresMissing())('two issuers on one PostgreSQL', () => {
  let server: PostgresServer;
  let [first, second]: Issuer[] = [];
  let [one, other]: Call[] = [];
  const folder = issuerFolder();

  beforeAll(async () => {
    server = await startPostgres();
    const { hostname, port, username, pathname } = new URL(server.url);
    const settings = {
      DB_DSN: `host=${hostname} port=${port} user=${username} dbname=${pathname.slice(1)} sslmode=disable`,
      // Trusted without one; it has to be taken all the same.
      DB_PASSWORD: 'unasked for',
      DATABASE_URL: '',
      DATABASE_SCHEMA: 'flow',
      REFRESH_ROTATION: 'on',
      JWT_ALGORITHM: 'ES256',
      JWT_SECRET: '',
      JWT_ISSUER: 'auth-service',
    };
    [first, second] = await Promise.all([startIssuer(settings, folder), startIssuer(settings, folder)]);
    [one, other] = [first, second].map(({ url }) => httpClient(url));
  });
  afterAll(async () => {
    await second?.stop();
    await first?.remove();
    await server.stop();
  });

  const at = (call: Call | undefined): Call => {
    if (call === undefined) throw new Error('not started');
    return call;
  };
  const refresh = (call: Call | undefined, token: string): Promise<Answer> =>
    at(call)('POST', '/auth/refresh', { body: { refresh_token: token } });
  const verify = (call: Call | undefined, bearer: string): Promise<Answer> =>
    at(call)('GET', '/auth/verify', { bearer });

  /** What the second issuer tells its subscribers, until it names the session. */
  const toldOf = async (sessionId: string, afterSubscribed: () => Promise<void>): Promise<number> => {
    const token = feedTokenOf('somebody', folder.settings);
    const answer = await fetch(`${second?.privateUrl}/v1/revocations`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    let endedAtMs = 0;
    for (;;) {
      const { value, done } = (await reader?.read()) ?? { done: true };
      if (done) throw new Error('the feed ended');
      text += value;
      if (endedAtMs === 0 && text.includes('event: synced')) {
        await afterSubscribed();
        endedAtMs = performance.now();
      }
      if (endedAtMs > 0 && text.includes(sessionId)) {
        await reader?.cancel();
        return performance.now() - endedAtMs;
      }
    }
  };

  it('share accounts, sessions and keys; what one has ended the other refuses, and its subscribers are told', async () => {
    const { access, refresh: token, person } = await signUp(at(one));
    expect((await verify(other, access)).status).toBe(200);
    const rotated = await refresh(other, token);
    expect(rotated.status).toBe(200);
    const successor = String(rotated.body['refresh_token']);
    const sid = String(decodeToken(access).claims['sid']);
    const toldMs = await toldOf(sid, async () => {
      expect((await at(one)('POST', '/auth/logout', { body: { refresh_token: successor } })).status).toBe(200);
    });
    expect(toldMs).toBeLessThan(1000);
    expectProblem(await refresh(other, successor), 'session_revoked');
    expectProblem(await verify(other, access), 'token_revoked');
    const again = await at(other)('POST', '/auth/login', { body: { email: person.email, password: person.password } });
    expect(again.status).toBe(200);
  });

  it('answer 503 in time while it is away, verify nobody as somebody else, and go on by themselves', async () => {
    const { access, refresh: token } = await signUp(at(one));
    await server.kill();
    for (const call of [one, other]) {
      const started = performance.now();
      const refused = await refresh(call, token);
      expect(performance.now() - started).toBeLessThan(2000);
      expectProblem(refused, 'store_unavailable');
      expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
      expectProblem(await verify(call, access), 'store_unavailable');
      expect((await at(call)('GET', '/.well-known/jwks.json')).status).toBe(200);
      expect((await at(call)('GET', '/health')).status).toBe(200);
    }
    await server.restart();
    const started = performance.now();
    for (const call of [one, other])
      while ((await at(call)('GET', '/ready')).status !== 200) {
        if (performance.now() - started > returnLimitMs) throw new Error('not ready in time');
        await sleep(20);
      }
    const rotated = await refresh(other, token);
    expect(rotated.status).toBe(200);
    expect((await refresh(one, String(rotated.body['refresh_token']))).status).toBe(200);
  });

  it('do not start where none answers, and say so without the password', async () => {
    const { exitCode, output, stderr } = await refusedIssuer({
      ...folder.settings,
      DATABASE_URL: 'postgres://auth:planted-password@127.0.0.1:1/auth_db',
      AUTH_PORT: '0',
      AUTH_PRIVATE_PORT: '0',
    });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('auth-service could not start: DATABASE_URL: no connection to PostgreSQL (ECONNREFUSED)');
    expect(output).not.toContain('planted-password');
  });
});
