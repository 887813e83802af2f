/** A backup that is put back knows nothing of what was ended after it was made. */
import { execFile } from 'node:child_process';
import { copyFileSync, cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openMaintenance } from '@sallyport/auth/maintenance';
import { anyPostgres, isAnyPostgresMissing } from '@sallyport/storage/postgres/testing';
import { describe, expect, it } from 'vitest';
import { compileCache } from '../testing/child-server.ts';
import { isOnPostgres } from '../testing/database.ts';
import { decodeToken } from '../testing/forge.ts';
import { type Answer, httpClient } from '../testing/http-client.ts';
import { type Issuer, issuerFolder, startIssuer } from '../testing/issuer.ts';
import { login, newPerson, type Person, register, signUp, type Tokens } from '../testing/people.ts';

const settings = { REFRESH_ROTATION: 'on', JWT_ALGORITHM: 'ES256', JWT_SECRET: '' };

const command = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');

interface Story {
  readonly folder: ReturnType<typeof issuerFolder>;
  readonly person: Person;
  /** Ended, or rotated away, after the backup was made. */
  readonly dead: readonly string[];
  /** What was good when the store was put back. */
  readonly live: readonly string[];
  readonly access: readonly string[];
}

const refresh = (issuer: Issuer, token: string): Promise<Answer> =>
  httpClient(issuer.url)('POST', '/auth/refresh', { body: { refresh_token: token } });

/** A person with three sessions at the time of the backup; afterwards one is logged out, one rotates, and a fourth begins. */
const putBack = async (): Promise<Story> => {
  const folder = issuerFolder();
  const file = join(folder.path, 'sallyport.db');
  const backup = join(folder.path, 'backup.db');
  const person = newPerson();
  let issuer = await startIssuer(settings, folder);
  await register(httpClient(issuer.url), person);
  const [loggedOut, rotating, idle] = [
    await logIn(issuer, person),
    await logIn(issuer, person),
    await logIn(issuer, person),
  ];
  // Stopped cleanly, the file is the whole store.
  await issuer.stop();
  copyFileSync(file, backup);

  issuer = await startIssuer(settings, folder);
  await httpClient(issuer.url)('POST', '/auth/logout', { body: { refresh_token: loggedOut.refresh } });
  let current = rotating.refresh;
  for (let turn = 0; turn < 3; turn += 1) current = String((await refresh(issuer, current)).body['refresh_token']);
  const later = await logIn(issuer, person);
  await issuer.stop();

  for (const end of ['-wal', '-shm']) rmSync(file + end, { force: true });
  cpSync(backup, file);
  return {
    folder,
    person,
    dead: [loggedOut.refresh, rotating.refresh],
    live: [current, idle.refresh, later.refresh],
    access: [loggedOut, rotating, idle, later].map(({ access }) => access),
  };
};

const logIn = (issuer: Issuer, person: Person): Promise<Tokens> => login(httpClient(issuer.url), person);

const accepted = async (issuer: Issuer, tokens: readonly string[]): Promise<number> => {
  let count = 0;
  for (const token of tokens) if ((await refresh(issuer, token)).status === 200) count += 1;
  return count;
};

// Of PostgreSQL the file cannot be put back under a running server of somebody else's.
describe.skipIf(isOnPostgres)('a backup that was put back', () => {
  it('accepts no token of before, dead or live, once it is marked; people log in again', async () => {
    const { folder, person, dead, live, access } = await putBack();
    const maintenance = await openMaintenance({ ...folder.settings, ...settings });
    const restored = await maintenance.markRestored();
    await maintenance.close();
    expect(restored).toMatchObject({ sessions: 3, users: 1, keySettings: [] });
    expect(restored.keys).toEqual([decodeToken(access[0] ?? '').header['kid']]);

    const issuer = await startIssuer(settings, folder);
    try {
      expect(await accepted(issuer, [...dead, ...live])).toBe(0);
      const call = httpClient(issuer.url);
      for (const bearer of access) expect((await call('GET', '/auth/verify', { bearer })).status).toBe(401);
      const again = await logIn(issuer, person);
      expect((await refresh(issuer, again.refresh)).status).toBe(200);
      expect(decodeToken(again.access).header['kid']).not.toBe(restored.keys[0]);
    } finally {
      await issuer.remove();
    }
  });

  it('that is not marked brings ended sessions back to life, so that the proof can fail', async () => {
    const { folder, dead } = await putBack();
    const issuer = await startIssuer(settings, folder);
    try {
      expect(await accepted(issuer, dead)).toBe(2);
    } finally {
      await issuer.remove();
    }
  });
});

describe.each([
  { name: 'SQLite', missing: () => isOnPostgres, start: async () => undefined },
  { name: 'PostgreSQL', missing: isAnyPostgresMissing, start: anyPostgres },
])('`store restored` on $name', ({ missing, start }) => {
  it.skipIf(missing())(
    'is refused while an issuer works on the store, whoever started it, and done when it has stopped',
    async () => {
      const database = await start();
      const folder = issuerFolder();
      const own = database && { DATABASE_URL: database.url, DATABASE_SCHEMA: database.schema };
      const env = {
        PATH: process.env['PATH'] ?? '',
        NODE_COMPILE_CACHE: compileCache,
        ...folder.settings,
        ...settings,
        ...own,
      };
      const restored = () =>
        promisify(execFile)(process.execPath, [command, 'store', 'restored', '--yes'], { env, cwd: folder.path });
      const issuer = await startIssuer({ ...settings, ...own }, folder);
      try {
        const { refresh: token } = await signUp(httpClient(issuer.url));
        await expect(restored()).rejects.toMatchObject({
          code: 1,
          stderr: expect.stringMatching(/in use|works on it|open/),
        });
        const current = await refresh(issuer, token);
        expect(current.status).toBe(200);
        await issuer.stop();
        expect((await restored()).stdout).toContain('1 session');
        const again = await startIssuer({ ...settings, ...own }, folder);
        expect((await refresh(again, String(current.body['refresh_token']))).status).toBe(401);
        await again.stop();
      } finally {
        await issuer.remove();
        await database?.stop();
      }
    },
  );
});
