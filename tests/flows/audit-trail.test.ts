/** The audit trail in the store of the acts: what is in it, who may read it, and what is left of a person in it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openMaintenance } from '@sallyport/auth/maintenance';
import type { UserId } from '@sallyport/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sallyport } from '../start/testing/started.ts';
import { type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, issuerFolder, startIssuer } from '../testing/issuer.ts';
import { login, newPerson, signUp } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

const patience = { timeout: 25_000, interval: 100 } as const;
const limit = 3;

describe('the audit trail', () => {
  let issuer: Issuer;
  let call: Call;
  let inside: Call;
  const file = () => join(issuer.folder.path, 'copy.jsonl');
  beforeAll(async () => {
    const settings = { LOGIN_LIMIT_PER_MINUTE: String(limit), AUDIT_CHECKPOINT_SECONDS: '1' };
    const folder = issuerFolder();
    issuer = await startIssuer({ ...settings, AUDIT_FILE: join(folder.path, 'copy.jsonl') }, folder);
    call = httpClient(issuer.url);
    inside = httpClient(issuer.privateUrl);
  });
  afterAll(() => issuer.remove());

  const rows = (where: string) =>
    issuer.folder.database.query(
      `SELECT event_type, actor, address, details, place, user_id FROM audit WHERE ${where} ORDER BY effect_id`,
    );
  const maintained = async <T>(work: (maintenance: Awaited<ReturnType<typeof openMaintenance>>) => Promise<T>) => {
    const maintenance = await openMaintenance(issuer.folder.settings);
    try {
      return await work(maintenance);
    } finally {
      await maintenance.close();
    }
  };
  const audit = (...args: readonly string[]) => sallyport(['audit', ...args], issuer.folder.settings);
  const sealed = () => expect.poll(async () => (await rows('place IS NULL')).length, patience).toBe(0);

  it('has what an operator does, and a flood as one record with its count', async () => {
    const { person, userId } = await signUp(call);
    await maintained(async (maintenance) => {
      await maintenance.setRoles(person.email, ['admin'], ['audit:read']);
      await maintenance.setDisabled(person.email, true);
      await maintenance.setDisabled(person.email, false);
      await maintenance.importUser({
        identifier: newPerson().email,
        passwordHash: '$2b$10$abcdefghijklmnopqrstuuxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01',
        roles: [],
        permissions: [],
      });
    });
    const acts = async () => (await rows(`user_id = '${userId}' AND actor = 'admin'`)).map((row) => row['event_type']);
    await expect.poll(acts, patience).toEqual(['roles_changed', 'account_disabled', 'account_enabled']);
    const { email } = newPerson();
    const guess = () => call('POST', '/auth/login', { body: { email, password: 'wrong horse battery' } });
    const answers = await Promise.all(Array.from({ length: 40 }, guess));
    const refused = answers.filter(({ status }) => status === 429).length;
    expect(refused).toBeGreaterThan(20);
    const counted = async () =>
      (await rows("event_type = 'limit_hit'")).reduce(
        (sum, { details }) => sum + Number((JSON.parse(String(details)) as { count: number }).count),
        0,
      );
    await expect.poll(counted, patience).toBe(refused);
    expect((await rows("event_type = 'limit_hit'")).length).toBeLessThan(refused / 2);
  });

  it('is read page by page by whoever has audit:read, and by nobody else, and that leaves a record too', async () => {
    const reader = await signUp(call);
    const { userId } = reader;
    expectProblem(await inside('GET', '/v1/audit'), 'token_missing');
    expectProblem(await inside('GET', '/v1/audit', { bearer: reader.access }), 'permission_denied');
    expectProblem(await call('GET', '/v1/audit', { bearer: reader.access }), 'route_unknown');
    await maintained((maintenance) => maintenance.setRoles(reader.person.email, ['user'], ['audit:read']));
    const { access: bearer } = await login(call, reader.person);
    for (const query of ['limit=0', 'limit=9999', 'since=yesterday', 'user=x', 'nope=1', 'limit=1&limit=2'])
      expectProblem(await inside('GET', `/v1/audit?${query}`, { bearer }), 'query_invalid');
    await expect
      .poll(async () => (await rows(`user_id = '${userId}' AND event_type = 'login'`)).length, patience)
      .toBe(2);
    const types: unknown[] = [];
    for (let before = ''; ; ) {
      const { status, body } = await inside('GET', `/v1/audit?user=${userId}&limit=2${before}`, { bearer });
      expect(status).toBe(200);
      types.push(...(body['records'] as { readonly event_type: string }[]).map((record) => record.event_type));
      const { next } = body as { readonly next?: string };
      if (next === undefined) break;
      before = `&before=${next}`;
    }
    expect(types.filter((type) => type !== 'audit_read')).toEqual(['login', 'roles_changed', 'login', 'register']);
    await expect
      .poll(async () => (await rows(`user_id = '${userId}' AND event_type = 'audit_read'`)).length, patience)
      .toBeGreaterThanOrEqual(2);
  });

  it('holds after an erasure, which leaves nothing of the person in it', async () => {
    const { person, userId } = await signUp(call);
    await expect.poll(async () => (await rows(`user_id = '${userId}'`)).length, patience).toBe(2);
    await sealed();
    await maintained(async (maintenance) => {
      await maintenance.deleteUser(userId as UserId);
      await maintenance.eraseUser(userId as UserId);
    });
    await expect
      .poll(async () => (await rows(`user_id = '${userId}'`)).map((row) => row['event_type']), patience)
      .toContain('account_erased');
    await sealed();
    expect(JSON.stringify(await rows(`user_id = '${userId}'`))).not.toMatch(
      new RegExp(`127\\.0\\.0\\.1|${person.email}`),
    );
    const { status, stdout } = audit('verify');
    expect([status, stdout]).toEqual([0, expect.stringContaining('The audit trail holds')]);
  });

  it('is listed and exported, and its copy in a file is the chain', async () => {
    await sealed();
    const listed = audit('list', '--type', 'login', '--limit', '2', '--json');
    expect(listed.status).toBe(0);
    const lines = listed.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map((record) => record['event_type'])).toEqual(['login', 'login']);
    const out = join(issuer.folder.path, 'export.csv');
    expect(audit('export', '--format', 'csv', '--out', out, '--since', '2020-01-01').status).toBe(0);
    expect(readFileSync(out, 'utf8')).toMatch(/^id,event_type,created_at,[\s\S]*\r\n$/);
    const places = async () => (await rows('place IS NOT NULL')).length;
    const copied = () =>
      readFileSync(file(), 'utf8')
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { readonly seal: { readonly place: number } }).seal.place);
    await expect.poll(async () => copied().length - (await places()), patience).toBe(0);
    expect(copied()).toEqual(copied().map((_, index) => index + 1));
  });

  it('names an edit by SQL, and ends with 1', async () => {
    await issuer.folder.database.change("UPDATE audit SET event_type = 'refresh' WHERE place = 2");
    const { status, stdout, stderr } = audit('verify');
    expect([status, stdout, stderr]).toEqual([
      1,
      expect.stringMatching(/DOES NOT HOLD.*First bad record: place 2\./),
      'the audit trail does not hold\n',
    ]);
  });
});
