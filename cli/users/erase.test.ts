import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { newFolder, removeFolders, sallyport } from '../testing/run.ts';

afterAll(removeFolders);

const newKey = (): string => randomBytes(32).toString('base64url');
const email = 'ada.lovelace@example.org';

/** What lies in the data folder: the database, its log, whatever else. */
const bytesOf = (folder: string): string =>
  readdirSync(folder)
    .map((name) => readFileSync(join(folder, name)).toString('latin1'))
    .join('\n');

describe('sallyport users erase', () => {
  const folder = newFolder();
  const env = {
    SALLYPORT_PRESET: 'microservices',
    SALLYPORT_DATA_DIR: folder,
    SALLYPORT_ROOT_KEYS: `1:${newKey()}`,
    CSRF_KEYS: `1:${newKey()}`,
    JWT_SECRET: newKey(),
    BCRYPT_COST: '10',
  };
  const run = (...args: string[]) => sallyport(['users', ...args], { env, input: 'correct horse battery\n' });
  const create = () =>
    JSON.parse(run('create', email, '--name', 'Ada Byron', '--json').stdout) as { readonly id: string };

  it('refuses a live account and an unknown one, and asks, where there is somebody to ask', () => {
    const { id } = create();
    const refused = run('erase', email, '--yes');
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain(`The account ${email} (${id}) is live; --delete deletes it first.`);
    expect(run('erase', id, '--delete')).toMatchObject({ status: 2, stderr: expect.stringContaining('--yes') });
    expect(run('erase', 'nobody@example.org', '--yes')).toMatchObject({ status: 1 });
    expect(run('list').stdout).toContain(email);
  });

  it('erases all that had the e-mail, leaves the ids, and can be repeated by id', () => {
    const first = run('list', '--json').stdout;
    const { id } = JSON.parse(first) as { readonly id: string };
    expect(run('erase', email, '--delete', '--yes')).toMatchObject({
      status: 0,
      stdout: `${id}\terased\n`,
      stderr: '',
    });
    expect(run('erase', id, '--yes', '--json').stdout).toBe(`${JSON.stringify({ id, erased: true })}\n`);
    expect(run('erase', email, '--yes')).toMatchObject({ status: 1, stderr: `There is no account ${email}.\n` });
    // The last connection has closed: nothing is left in the write-ahead log either.
    expect(/lovelace|Byron/i.exec(bytesOf(folder))).toBeNull();
  });
});
