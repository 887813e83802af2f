/** The audit of the edge gateway (contracts/edge-gateway.md) in a real MariaDB, by one setting. */
import { isMariaDbMissing, type MariaDbServer, startMariaDb } from '@sallyport/storage/mysql/testing';
import { inMySql, type MySqlRow } from '@sallyport/storage/mysql/testing/raw';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { edgeFolder, startEdgeGateway } from '../testing/edge-gateway.ts';
import { type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, type IssuerFolder, refusedIssuer, startIssuer } from '../testing/issuer.ts';
import { readMetric } from '../testing/metrics.ts';
import { login, newPerson, register, signUp, tokensOf } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

const patience = { timeout: 25_000, interval: 100 } as const;

describe.skipIf(isMariaDbMissing())('audit in MariaDB', () => {
  let server: MariaDbServer;
  const rowsOf = (userId: string): Promise<readonly MySqlRow[]> =>
    inMySql(server.url, `SELECT * FROM audit_logs WHERE user_id = '${userId}' ORDER BY effect_id`);
  const typesOf = async (userId: string) => (await rowsOf(userId)).map((row) => row['event_type']);
  const refreshAt = (call: Call, token: string) => call('POST', '/auth/refresh', { body: { refresh_token: token } });
  beforeAll(async () => {
    server = await startMariaDb();
  });
  afterAll(() => server.stop());

  describe('of the preset edge-gateway', () => {
    let system: Awaited<ReturnType<typeof startEdgeGateway>>;
    let call: Call;
    beforeAll(async () => {
      system = await startEdgeGateway({ issuer: { AUDIT_DATABASE_URL: server.url, REFRESH_OVERLAP_SECONDS: '0' } });
      call = httpClient(system.gateway.url);
    });
    afterAll(() => system.remove());

    it('has every act of a life, with address, agent, details and time, and seals it', async () => {
      const { person, userId, refresh: token } = await signUp(call);
      await call('POST', '/auth/login', { body: { email: person.email, password: 'wrong horse battery' } });
      tokensOf(await refreshAt(call, token));
      expectProblem(await refreshAt(call, token), 'refresh_reused');
      const again = await login(call, person);
      await call('POST', '/auth/revoke', { body: { refresh_token: again.refresh } });
      const third = await login(call, person);
      await call('POST', '/auth/logout', { body: { refresh_token: third.refresh } });
      await expect
        .poll(() => typesOf(userId), patience)
        .toEqual([
          ...['register', 'login', 'login_failed', 'refresh', 'refresh_reused'],
          ...['login', 'revoke', 'login', 'logout'],
        ]);
      const rows = await rowsOf(userId);
      for (const row of rows) {
        expect(row).toMatchObject({ ip_address: '127.0.0.1', user_agent: 'sallyport-tests/1', realm_id: 'main' });
        expect(Math.abs(Date.parse(`${String(row['created_at']).replace(' ', 'T')}Z`) - Date.now())).toBeLessThan(
          60_000,
        );
        expect(() => JSON.parse(String(row['details'])) as unknown).not.toThrow();
        expect(row['request_id']).toMatch(/^[0-9a-f-]{36}$/);
      }
      expect(JSON.parse(String(rows[2]?.['details']))).toEqual({ reason: 'password' });
      expect(rows[3]?.['session_id']).toMatch(/^[0-9a-f-]{36}$/);
      await expect
        .poll(async () => (await rowsOf(userId)).filter((row) => row['place'] === null).length, patience)
        .toBe(0);
      // Nothing stays behind in the store of the acts.
      await expect.poll(() => readMetric(system.issuer.privateUrl, 'sallyport_auth_audit_waiting'), patience).toBe(0);
    });
  });

  describe('that goes away under logins', () => {
    it('fails no request, and has every record after its return, though the issuer was killed meanwhile', async () => {
      const folder = edgeFolder();
      const settings = { AUDIT_DATABASE_URL: server.url };
      let issuer = await startIssuer(settings, folder);
      try {
        let call = httpClient(issuer.url);
        const person = newPerson();
        await register(call, person);
        const { userId } = await login(call, person);
        await expect.poll(() => typesOf(userId), patience).toContain('login');
        await server.kill();
        let logins = 1;
        for (let count = 0; count < 8; count += 1, logins += 1) await login(call, person);
        await expect
          .poll(() => readMetric(issuer.privateUrl, 'sallyport_auth_audit_waiting'), patience)
          .toBeGreaterThanOrEqual(8);
        issuer = await killed(issuer, settings, folder);
        call = httpClient(issuer.url);
        for (let count = 0; count < 4; count += 1, logins += 1) await login(call, person);
        await server.restart();
        await expect
          .poll(async () => (await typesOf(userId)).filter((type) => type === 'login').length, patience)
          .toBe(logins);
      } finally {
        await issuer.remove();
      }
    });
  });

  it('hung, it delays neither a request nor a revocation', async () => {
    const issuer = await startIssuer({ AUDIT_DATABASE_URL: server.url }, edgeFolder());
    try {
      const call = httpClient(issuer.url);
      const { person, userId } = await signUp(call);
      await expect.poll(() => typesOf(userId), patience).toContain('login');
      server.freeze();
      const other = await login(call, person);
      const answer = await call('POST', '/auth/logout', { body: { refresh_token: other.refresh } });
      expect(answer.status).toBe(200);
      // What the outbox gets does not wait behind what the audit store does not take.
      const events = async () =>
        (await issuer.folder.database.query(`SELECT type FROM outbox WHERE key = '${userId}'`)).map(({ type }) => type);
      await expect.poll(events, patience).toContain('SESSION_ENDED');
      server.thaw();
      await expect.poll(() => typesOf(userId), patience).toContain('logout');
    } finally {
      server.thaw();
      await issuer.remove();
    }
  });

  it('refuses to start on a schema that it may not change, and says what to run', async () => {
    await inMySql(server.url, 'CREATE DATABASE IF NOT EXISTS bare');
    const { stderr, exitCode } = await refusedIssuer({
      ...edgeFolder().settings,
      AUDIT_DATABASE_URL: server.url.replace(/audit$/, 'bare'),
      AUDIT_DATABASE_MIGRATE: 'check',
    });
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/AUDIT_DATABASE_URL cannot be used: it lacks columns.*update_audit_logs\.sql/);
  });

  it('is not called transactional where it is in another database', async () => {
    const { stderr, exitCode } = await refusedIssuer({
      ...edgeFolder().settings,
      AUDIT_MODE: 'transactional',
      AUDIT_DATABASE_URL: 'mysql://u:s3cret@localhost/audit',
    });
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/AUDIT_MODE is transactional, and cannot be: AUDIT_DATABASE_URL/);
    expect(stderr).not.toContain('s3cret');
  });
});

const killed = async (
  issuer: Issuer,
  settings: Readonly<Record<string, string>>,
  folder: IssuerFolder,
): Promise<Issuer> => {
  issuer.signal('SIGKILL');
  await expect
    .poll(
      () =>
        fetch(issuer.url).then(
          () => 'answers',
          () => 'gone',
        ),
      patience,
    )
    .toBe('gone');
  await issuer.stop();
  return startIssuer(settings, folder);
};
