/** `sallyport backup`: a backup that is taken while people come and go is whole, and an issuer works on it. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { backupStore } from '@sallyport/auth/maintenance';
import {
  anyPostgres,
  isAnyPostgresMissing,
  isPostgresMissing,
  postgresProgram,
} from '@sallyport/storage/postgres/testing';
import { rawConnection } from '@sallyport/storage/postgres/testing/raw';
import { describe, expect, it } from 'vitest';
import { compileCache } from '../testing/child-server.ts';
import { isOnPostgres } from '../testing/database.ts';
import { httpClient } from '../testing/http-client.ts';
import { type Issuer, type IssuerFolder, issuerFolder, startIssuer } from '../testing/issuer.ts';
import { login, newPerson, register } from '../testing/people.ts';

const settings = { REFRESH_ROTATION: 'on', JWT_ALGORITHM: 'ES256', JWT_SECRET: '' };
const main = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');

const refresh = ({ url }: Issuer, token: string) =>
  httpClient(url)('POST', '/auth/refresh', { body: { refresh_token: token } });

const backup = async (folder: IssuerFolder, to: string, own: Readonly<Record<string, string>> = {}) => {
  const child = spawn(process.execPath, [main, 'backup', '--json', '--to', to], {
    cwd: folder.path,
    env: { NODE_COMPILE_CACHE: compileCache, ...folder.settings, ...settings, ...own },
  });
  const [out, told] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: child.exitCode, out, told };
};

describe.skipIf(isOnPostgres)('a backup of SQLite', () => {
  it('that is taken under refreshes opens, is sound, and serves', async () => {
    const folder = issuerFolder();
    const issuer = await startIssuer(settings, folder);
    const call = httpClient(issuer.url);
    const person = newPerson();
    await register(call, person);
    const tokens = await Promise.all(Array.from({ length: 4 }, () => login(call, person)));
    const kept = await login(call, person);
    let isOver = false;
    let refreshes = 0;
    const load = tokens.map(async ({ refresh: first }) => {
      for (let token = first; !isOver; refreshes += 1)
        token = String((await refresh(issuer, token)).body['refresh_token']);
    });
    const file = join(folder.path, 'backup.db');
    const before = refreshes;
    const { code, out } = await backup(folder, file);
    expect(refreshes).toBeGreaterThan(before + 50);
    isOver = true;
    await Promise.all(load);
    expect(JSON.parse(out)).toMatchObject({ kind: 'sqlite', file, users: 1, sessions: 5, isRedisApart: false });
    expect(JSON.parse(out)['keep']).toEqual(['SALLYPORT_ROOT_KEYS', 'CSRF_KEYS']);
    expect(code).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder.path).filter((name) => name.startsWith('backup'))).toEqual(['backup.db']);
    const again = { to: file, env: { ...folder.settings, ...settings }, onProgress: () => undefined };
    await expect(backupStore(again)).rejects.toThrow('never written over');
    await issuer.stop();

    const readOnly = new DatabaseSync(file, { readOnly: true });
    expect(readOnly.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
    readOnly.close();
    const restored = join(folder.path, 'restored.db');
    copyFileSync(file, restored);
    const second = await startIssuer({ ...settings, DATABASE_URL: `sqlite:${restored}` }, folder);
    try {
      expect((await refresh(second, kept.refresh)).status).toBe(200);
      expect((await httpClient(second.url)('GET', '/auth/verify', { bearer: kept.access })).status).toBe(200);
    } finally {
      await second.remove();
    }
  });
});

describe.skipIf(isOnPostgres || isAnyPostgresMissing() || isPostgresMissing())('a backup of PostgreSQL', () => {
  it('is made by the line that is printed, and serves after pg_restore', async () => {
    const { url, schema, stop } = await anyPostgres();
    const look = rawConnection(url, schema);
    const folder = issuerFolder();
    const own = { DATABASE_URL: url, DATABASE_SCHEMA: schema };
    const issuer = await startIssuer({ ...settings, ...own }, folder);
    const call = httpClient(issuer.url);
    const person = newPerson();
    await register(call, person);
    const kept = await login(call, person);
    const file = join(folder.path, "a person's.dump");
    const { code, out, told } = await backup(folder, file, { ...own, DB_PASSWORD: 'planted-secret' });
    expect(code).toBe(1);
    expect(told).toContain('run the line above');
    expect(out + told).not.toContain('planted-secret');
    const env = { PATH: `${dirname(postgresProgram('pg_dump'))}:${process.env['PATH']}`, PGPASSWORD: 'planted-secret' };
    execFileSync('sh', ['-c', (JSON.parse(out) as { readonly command: string }).command], { env, cwd: '/' });
    await issuer.stop();
    await look.run(`DROP SCHEMA ${schema} CASCADE`);
    execFileSync(postgresProgram('pg_restore'), ['--exit-on-error', '--dbname', url, file], { env, cwd: '/' });

    const second = await startIssuer({ ...settings, ...own }, folder);
    try {
      expect((await refresh(second, kept.refresh)).status).toBe(200);
      expect((await httpClient(second.url)('GET', '/auth/verify', { bearer: kept.access })).status).toBe(200);
    } finally {
      await second.remove();
      await look.close();
      await stop();
    }
  });
});
