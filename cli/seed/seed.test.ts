import { randomBytes } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { newFolder, removeFolders, sallyport } from '../testing/run.ts';

afterAll(removeFolders);

const newKey = (): string => randomBytes(32).toString('base64url');

describe('sallyport seed', () => {
  const env = {
    SALLYPORT_PRESET: 'cookie-spa',
    SALLYPORT_DATA_DIR: newFolder(),
    SALLYPORT_ROOT_KEYS: `1:${newKey()}`,
    CSRF_KEYS: `1:${newKey()}`,
    JWT_SECRET: newKey(),
    BCRYPT_COST: '10',
  };
  const seed = (...args: string[]) => sallyport(['seed', ...args, '--json'], { env });

  it('makes numbered accounts with a session each, goes on where it ended, and does not join people unasked', () => {
    const first = seed('--users', '300');
    expect(first).toMatchObject({ status: 0, stderr: expect.stringMatching(/^300 of 300/m) });
    expect(JSON.parse(first.stdout)).toEqual({
      users: 300,
      createdUsers: 300,
      createdSessions: 300,
      password: expect.stringMatching(/^[\w-]{24}$/),
    });
    expect(JSON.parse(seed('--users', '310').stdout)).toMatchObject({ createdUsers: 10, createdSessions: 10 });
    const ann = sallyport(['users', 'create', 'ann@example.org', '--name', 'Ann'], { env, input: 'StrongPass123!\n' });
    expect(ann.status).toBe(0);
    expect(JSON.parse(seed('--users', '310', '--yes').stdout)).toEqual({
      users: 310,
      createdUsers: 0,
      createdSessions: 0,
    });
    expect(seed('--users', '311')).toMatchObject({
      status: 1,
      stdout: '',
      stderr: 'The store holds accounts that no seed has made; nothing was added. --yes adds all the same.\n',
    });
  });
});
