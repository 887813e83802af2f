/** A store that moves to another database takes its users along, logged in as they are. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { CopyRefused, copyStore } from '@sallyport/auth/maintenance';
import { anyPostgres, isAnyPostgresMissing, type PostgresDatabase } from '@sallyport/storage/postgres/testing';
import { rawConnection } from '@sallyport/storage/postgres/testing/raw';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileCache } from '../testing/child-server.ts';
import { isOnPostgres } from '../testing/database.ts';
import { httpClient } from '../testing/http-client.ts';
import { type Issuer, issuerFolder, startIssuer } from '../testing/issuer.ts';
import { login, newPerson, register, type Tokens } from '../testing/people.ts';

const settings = { REFRESH_ROTATION: 'on', JWT_ALGORITHM: 'ES256', JWT_SECRET: '' };
const main = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');
const manyUsers = 6000;

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly told: string;
}

const refresh = ({ url }: Issuer, token: string) =>
  httpClient(url)('POST', '/auth/refresh', { body: { refresh_token: token } });

/** Rows of people who are not asked anything. */
const seed = (file: string): void => {
  const database = new DatabaseSync(file);
  const users = database.prepare(
    "INSERT INTO users (id, realm_id, email, email_key, roles, permissions, created_at_ms) VALUES (?, 'main', ?, ?, '[]', '[]', 1)",
  );
  const sessions = database.prepare(`INSERT INTO sessions
    SELECT ?, s.format, s.realm_id, ?, s.device_id, s.client_id, s.scope, s.audience, s.created_at_ms, s.auth_time_ms, s.amr, s.acr,
      s.session_epoch, s.generation, s.key_id, s.salt, s.token_hash, s.hash_key_id, s.rotated_at_ms, s.rotation_id, s.winner_attempt,
      s.loser_attempts, s.idle_expires_at_ms, s.absolute_expires_at_ms, s.bound_key_thumbprint, s.proof_required,
      s.last_seen_at_ms, NULL, s.label, s.revoked_at_ms, s.revoked_cause
    FROM (SELECT * FROM sessions LIMIT 1) s`);
  database.exec('BEGIN');
  for (let at = 0; at < manyUsers; at += 1) {
    const id = randomBytes(16);
    users.run(id, `${at}@example.org`, `${at}@example.org`);
    sessions.run(randomBytes(16), id);
  }
  database.exec('COMMIT');
  database.close();
};

const ended = async (child: ChildProcess): Promise<Ended> => {
  if (child.stdout === null || child.stderr === null) throw new Error('no pipes');
  const [out, told] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: child.exitCode, out, told };
};

describe.skipIf(isOnPostgres || isAnyPostgresMissing())('a store that is copied to PostgreSQL', () => {
  const folder = issuerFolder();
  const file = join(folder.path, 'sallyport.db');
  let postgres: PostgresDatabase;
  let onPostgres: Readonly<Record<string, string>>;
  let gone: Tokens;
  let stays: Tokens;
  let rotated: string;
  beforeAll(async () => {
    postgres = await anyPostgres();
    onPostgres = { DATABASE_URL: postgres.url, DATABASE_SCHEMA: postgres.schema };
  });
  afterAll(() => postgres.stop());

  const copy = (): ChildProcess =>
    spawn(process.execPath, [main, 'store', 'copy', '--json', '--from', `sqlite:${file}`, '--to', postgres.url], {
      cwd: folder.path,
      env: { NODE_COMPILE_CACHE: compileCache, ...folder.settings, DATABASE_SCHEMA: postgres.schema },
    });
  /** The same without a process of its own. */
  const refused = (env: Readonly<Record<string, string>> = {}) => {
    const both = { ...folder.settings, DATABASE_SCHEMA: postgres.schema, ...env };
    return copyStore({ from: `sqlite:${file}`, to: postgres.url, env: both, onProgress: () => undefined }).then(
      () => 'it was copied',
      (error: unknown) => (error instanceof CopyRefused ? error.message : error),
    );
  };

  it('is refused while an issuer works on it, and with other root keys', async () => {
    const issuer = await startIssuer(settings, folder);
    const call = httpClient(issuer.url);
    const person = newPerson();
    await register(call, person);
    gone = await login(call, person);
    stays = await login(call, person);
    await call('POST', '/auth/logout', { body: { refresh_token: gone.refresh } });
    rotated = String((await refresh(issuer, stays.refresh)).body['refresh_token']);
    expect(await refused()).toContain('is in use');
    await issuer.stop();
    const otherKeys = { SALLYPORT_ROOT_KEYS: `1:${randomBytes(32).toString('base64url')}` };
    expect(await refused(otherKeys)).toContain('opens nothing');
  });

  it('and cut off by kill -9 lets no issuer start there, and goes on', async () => {
    seed(file);
    const first = copy();
    // The first table has been copied: the large ones are next.
    await once(first.stderr ?? first, 'data');
    first.kill('SIGKILL');
    await once(first, 'exit');
    const look = rawConnection(postgres.url, postgres.schema);
    const { rows } = await look.run('SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM sessions) AS found');
    await look.close();
    expect(Number(rows[0]?.['found'])).toBeLessThan(2 * manyUsers);
    await expect(startIssuer({ ...settings, ...onPostgres }, folder)).rejects.toThrow('has not come to its end');

    const { code, out, told } = await ended(copy());
    expect(told).toContain(`${(manyUsers + 1).toLocaleString('en')} of`);
    expect(JSON.parse(out)).toMatchObject({ resumed: true, tables: { users: manyUsers + 1, sessions: manyUsers + 2 } });
    expect(code).toBe(0);
    expect(await refused()).toContain('holds users already');
  });

  it('has everybody logged in, and nobody who had logged out', async () => {
    const issuer = await startIssuer({ ...settings, ...onPostgres }, folder);
    try {
      const call = httpClient(issuer.url);
      expect((await call('GET', '/auth/verify', { bearer: stays.access })).status).toBe(200);
      expect((await call('GET', '/auth/verify', { bearer: gone.access })).status).toBe(401);
      expect(await refresh(issuer, gone.refresh)).toMatchObject({ status: 401, body: { code: 'session_revoked' } });
      const renewed = await refresh(issuer, rotated);
      expect(renewed.status).toBe(200);
      // What stood in SQLite about the generations stands here: the first token is two behind by now.
      expect((await refresh(issuer, stays.refresh)).body).toMatchObject({ code: 'refresh_reused' });
    } finally {
      await issuer.remove();
    }
  });
});
