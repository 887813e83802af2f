import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Maintenance, openMaintenance } from '@sallyport/auth/maintenance';
import { afterAll, expect, it } from 'vitest';
import { newFolder, removeFolders, sallyport } from '../testing/run.ts';
import { eraseUser } from './erase-user.ts';

afterAll(removeFolders);

const newKey = (): string => randomBytes(32).toString('base64url');
const folder = newFolder();
const env = {
  SALLYPORT_PRESET: 'microservices',
  SALLYPORT_DATA_DIR: folder,
  SALLYPORT_ROOT_KEYS: `1:${newKey()}`,
  CSRF_KEYS: `1:${newKey()}`,
  JWT_SECRET: newKey(),
  BCRYPT_COST: '10',
};
const email = 'ada.lovelace@example.org';

const withStore = async <T>(work: (store: Maintenance) => Promise<T>): Promise<T> => {
  const store = await openMaintenance(env);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
};
const create = (store: Maintenance) =>
  store.createUser({
    identifier: email,
    name: 'Ada Byron',
    password: 'correct horse battery',
    roles: [],
    permissions: [],
  });

/** What lies in the data folder: the database, its log, whatever else. */
const bytesOf = (): string =>
  readdirSync(folder)
    .map((name) => readFileSync(join(folder, name)).toString('latin1'))
    .join('\n');

it('refuses a live account and an unknown one, and asks, where there is somebody to ask', async () => {
  await withStore(async (store) => {
    await create(store);
    const { live } = await store.findUsers(email);
    const yes = { delete: false, yes: true };
    const refusal = `The account ${email} (${live?.id}) is live; --delete deletes it first.`;
    await expect(eraseUser(store, email, yes)).rejects.toThrow(refusal);
    await expect(eraseUser(store, live?.id ?? '', yes)).rejects.toThrow('is live');
    await expect(eraseUser(store, 'nobody@example.org', yes)).rejects.toThrow('There is no account');
    await expect(eraseUser(store, email, { delete: true, yes: false })).rejects.toThrow('--yes erases');
    expect((await store.findUsers(email)).live?.name).toBe('Ada Byron');
  });
});

it('erases all that had the e-mail, leaves the ids, and can be repeated by id', async () => {
  const [first, second] = await withStore(async (store) => {
    const { live } = await store.findUsers(email);
    if (live === undefined) throw new Error('she is not there');
    await store.deleteUser(live.id);
    // The e-mail is free, and whoever comes next is another person to the store.
    await create(store);
    return [live.id, (await store.findUsers(email)).live?.id ?? ''];
  });
  const erased = sallyport(['users', 'erase', email, '--delete', '--yes'], { env });
  expect(erased).toMatchObject({ status: 0, stderr: '', stdout: `${second}\terased\n${first}\terased\n` });
  // The last connection has closed: nothing is left in the write-ahead log either.
  expect(/lovelace|Byron/i.exec(bytesOf())).toBeNull();
  await withStore(async (store) => {
    expect(await eraseUser(store, first, { delete: false, yes: true })).toEqual([first]);
    expect(await store.findUsers(email)).toEqual({ live: undefined, deleted: [] });
  });
});
