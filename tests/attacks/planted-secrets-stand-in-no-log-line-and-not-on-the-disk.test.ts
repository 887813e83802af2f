import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Collector, startCollector } from '@sallyport/kit/testing/collector';
import { isMariaDbMissing, type MariaDbServer, startMariaDb } from '@sallyport/storage/mysql/testing';
import { inMySql } from '@sallyport/storage/mysql/testing/raw';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, issuerFolder, startIssuer } from '../testing/issuer.ts';
import { newPerson, register, tokensOf } from '../testing/people.ts';
import { rawExchange, rawRequest } from '../testing/raw-exchange.ts';

/** Every secret that went in or came out, by name. */
const planted = new Map<string, string>();
const plant = (name: string, value: string): string => {
  planted.set(name, value);
  return value;
};
const random = (): string => randomBytes(18).toString('base64url');

const hasMySql = !isMariaDbMissing();
let issuer: Issuer;
let call: Call;
let auditStore: MariaDbServer | undefined;
let collector: Collector;

/** Audit in a MySQL whose password is a secret as well. */
const auditElsewhere = async (server: MariaDbServer) => {
  const password = plant('password of the audit store', `planted-${random()}`);
  await inMySql(server.url, `CREATE USER planted IDENTIFIED BY '${password}'`);
  await inMySql(server.url, 'GRANT ALL ON audit.* TO planted');
  const url = server.url.replace('root@', `planted:${password}@`);
  return { AUDIT_MODE: 'write-ahead', AUDIT_DATABASE_URL: url };
};

beforeAll(async () => {
  auditStore = hasMySql ? await startMariaDb() : undefined;
  const audit = auditStore && (await auditElsewhere(auditStore));
  collector = await startCollector();
  const traces = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER_ARG: '1' };
  const folder = issuerFolder();
  const files = {
    AUDIT_FILE: join(folder.path, 'copy.jsonl'),
    AUDIT_CHECKPOINT_FILE: join(folder.path, 'signed.jsonl'),
  };
  issuer = await startIssuer({ REFRESH_ROTATION: 'on', LOG_LEVEL: 'debug', ...files, ...audit, ...traces }, folder);
  call = httpClient(issuer.url);
  for (const name of ['JWT_SECRET', 'SALLYPORT_ROOT_KEYS', 'CSRF_KEYS']) {
    plant(name, (issuer.folder.settings[name] ?? '').replace('1:', ''));
  }
  await exerciseEveryRoute();
});
afterAll(async () => {
  await issuer.remove();
  await auditStore?.stop();
  collector.close();
});

const keepTokens = (name: string, answer: Answer) => {
  const tokens = tokensOf(answer);
  for (const [kind, value] of Object.entries(tokens)) plant(`${kind} of ${name}`, value);
  return tokens;
};

/** Once as it should be, and then every kind of failure that carries a secret. */
const exerciseEveryRoute = async (): Promise<void> => {
  const person = newPerson({ password: plant('password', `planted-pass-${random()}`) });
  const { email, password } = person;
  const newPassword = plant('new password', `planted-new-${random()}`);
  const wrong = plant('wrong password', `planted-wrong-${random()}`);
  const headers = { 'user-agent': plant('agent', `planted-agent-${random()}`) };

  await register(call, person);
  await register(call, person);
  const first = keepTokens('the login', await call('POST', '/auth/login', { body: { email, password }, headers }));
  const other = keepTokens('another login', await call('POST', '/auth/login', { body: { email, password }, headers }));
  const pair = { 'x-csrf-token': first.csrf, cookie: `csrf_token=${first.csrf}` };
  for (const path of ['/auth/verify', '/auth/me', '/auth/sessions']) {
    await call('GET', path, { bearer: first.access, headers: pair });
  }
  const second = keepTokens('a refresh', await refresh(first.refresh));
  const third = keepTokens('another refresh', await refresh(second.refresh));
  const changed = { current_password: password, new_password: newPassword };
  const fresh = keepTokens(
    'the change of password',
    await call('POST', '/auth/password', { bearer: third.access, body: changed }),
  );
  await call('GET', '/.well-known/jwks.json');

  // Failures.
  await call('POST', '/auth/login', { body: { email, password: wrong } });
  await call('POST', '/auth/login', { body: { email: wrong, password: wrong } });
  await call('POST', '/auth/login', { body: { email, password: [wrong] } });
  await call('POST', '/auth/login', { body: { email, password: wrong, [wrong]: wrong } });
  const json = { 'content-type': 'application/json' };
  await call('POST', '/auth/login', { body: `{"password":"${wrong}"`, headers: json });
  await call('POST', '/auth/login', { body: `password=${wrong}`, headers: { 'content-type': 'text/plain' } });
  await call('POST', '/auth/login', { body: wrong.repeat(4000), headers: json });
  await call('POST', `/auth/login?password=${wrong}`, { body: { email, password: wrong } });
  await call('POST', '/auth/register', { body: { ...person, password: wrong.repeat(9) } });
  await call('POST', '/auth/password', {
    bearer: fresh.access,
    body: { current_password: wrong, new_password: wrong },
  });
  await refresh(first.refresh);
  await refresh(`${fresh.refresh}x`);
  await call('POST', '/auth/logout', { body: { refresh_token: wrong } });
  await call('GET', `/auth/verify?access_token=${fresh.access}`);
  await call('GET', '/auth/verify', { bearer: `${fresh.access}x` });
  await call('GET', '/auth/verify', { headers: { authorization: `Basic ${fresh.access}` } });
  await call('GET', `/nope?token=${fresh.access}&password=${wrong}`);
  await rawRequest(issuer.url, 'GET /auth/verify', [
    `Authorization: Bearer ${fresh.access}`,
    `Authorization: Bearer ${fresh.access}`,
  ]);
  await rawExchange(issuer.url, `POST /auth/login HTTP/1.1\r\nHost: a\r\nBad Header: ${wrong}\r\n\r\n${wrong}`);
  const pairOf = { 'x-csrf-token': other.csrf, cookie: `csrf_token=${fresh.csrf}; csrf_token=${other.csrf}` };
  await call('GET', '/auth/verify', { bearer: fresh.access, headers: pairOf });

  const again = keepTokens(
    'a last login',
    await call('POST', '/auth/login', { body: { email, password: newPassword } }),
  );
  await call('POST', '/auth/revoke', { body: { refresh_token: fresh.refresh } });
  await call('DELETE', '/auth/sessions', { bearer: again.access });
  await call('POST', '/auth/logout-all', { bearer: again.access });
  const gone = keepTokens(
    'the very last',
    await call('POST', '/auth/login', { body: { email, password: newPassword } }),
  );
  await call('DELETE', '/auth/account', { bearer: gone.access });
  // The drain has carried the effects to audit and outbox by then.
  await new Promise((resolve) => setTimeout(resolve, 700));
};

const refresh = (token: string) => call('POST', '/auth/refresh', { body: { refresh_token: token } });

const found = (text: Buffer, except: readonly string[] = []): string[] =>
  [...planted].filter(([name, value]) => !except.includes(name) && text.includes(value)).map(([name]) => name);

describe('after every route and every kind of failure', () => {
  it('all planted values are real, so that what follows can fail', () => {
    expect(planted.size).toBeGreaterThan(20);
    for (const [name, value] of planted) expect([name, value.length]).toEqual([name, expect.toSatisfy((n) => n > 20)]);
  });

  it('no secret stands in what the server wrote', () => {
    // One line per request, with the agent: it is the only planted value that belongs there.
    const output = Buffer.from(issuer.output());
    expect(issuer.logLines().length).toBeGreaterThan(35);
    expect(found(output)).toEqual(['agent']);
    expect(output.toString()).not.toMatch(/\$2[aby]\$\d\d\$|Bearer |csrf_token=/);
  });

  it('no secret lies on the disk in clear: not a token, not a password, not a key', async () => {
    const bytes = await issuer.folder.database.allBytes();
    expect(bytes.length).toBeGreaterThan(5000);
    expect(found(bytes, ['agent'])).toEqual([]);
    for (const [name, value] of planted) {
      if (/^(refresh|csrf)/.test(name)) expect(bytes.includes(Buffer.from(value, 'base64url'))).toBe(false);
    }
  });

  it('no secret stands in the audit trail, its copies, or a metric', async () => {
    const { path } = issuer.folder;
    const copied = () => readFileSync(join(path, 'copy.jsonl'));
    // What was done last is sealed last.
    await expect.poll(() => copied().includes('account_deleted'), { timeout: 25_000 }).toBe(true);
    expect(found(copied(), ['agent'])).toEqual([]);
    const metrics = await (await fetch(`${issuer.privateUrl}/metrics`)).text();
    expect(found(Buffer.from(metrics))).toEqual([]);
    if (auditStore === undefined) return;
    const rows = await inMySql(auditStore.url, 'SELECT * FROM audit_logs');
    expect(rows.length).toBeGreaterThan(60);
    expect(found(Buffer.from(JSON.stringify(rows)), ['agent'])).toEqual([]);
    const signed = await inMySql(auditStore.url, 'SELECT * FROM audit_log_checkpoints');
    expect(found(Buffer.from(JSON.stringify(signed)))).toEqual([]);
  });

  it('no secret stands in a span, nor anything else that a caller wrote', async () => {
    // They are sent every few seconds.
    const names = () => new Set(collector.spans.map(({ name }) => name));
    await expect.poll(() => names().has('DELETE /auth/account'), { timeout: 25_000 }).toBe(true);
    for (const name of ['POST /auth/login', 'POST /auth/refresh', 'store rotateSession', 'password hash', 'send log'])
      expect(names()).toContain(name);
    const told = Buffer.from(collector.texts.join(''));
    expect(found(told)).toEqual([]);
    expect(told.toString()).not.toMatch(/@|127\.0\.0\.1|access_token|Bearer|eyJ/);
  });

  it('the address and agent of a session are sealed', async () => {
    const rows = await issuer.folder.database.query('SELECT * FROM sessions');
    expect(rows.length).toBeGreaterThan(3);
    const text = JSON.stringify(rows);
    expect(text).not.toContain('127.0.0.1');
    expect(text).not.toContain('planted-agent');
    for (const row of rows) expect(String(row['origin_sealed']).length).toBeGreaterThan(40);
  });
});
