import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DeviceId, defaultRealm, type UserId } from '@sallyport/contract';
import { systemRandom } from '@sallyport/kit/random';
import { createSealer } from '@sallyport/kit/seal';
import { drivers } from '@sallyport/storage';
import { afterAll, expect, it } from 'vitest';
import { newStoredKey, signingKeyPlace } from '../tokens/key-holder.ts';
import { reseal } from './reseal.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-reseal-'));
afterAll(() => rmSync(folder, { recursive: true }));

const rootKey = (kid: string) => ({ kid, key: systemRandom.bytes(32) });
const [first, second] = [rootKey('1'), rootKey('2')];
const context = { requestId: 'test', actor: 'system' } as const;
const newId = <T extends string>() => systemRandom.uuidv7(Date.now()) as T;

const open = async (keys: readonly ReturnType<typeof rootKey>[]) => {
  const sealer = createSealer({ keys, random: systemRandom });
  const storage = await drivers.sqlite({ file: join(folder, 'store.db'), sealer, revocationLifetimeMs: 1000 });
  const run = () => reseal({ rootKeys: storage.rootKeys, sealer, kids: keys.map(({ kid }) => kid) });
  return { storage, sealer, run };
};

const [userId, deviceId, deviceKey] = [newId<UserId>(), newId<DeviceId>(), systemRandom.bytes(32)];

it('a store is served without a root key once everything has been sealed under another', async () => {
  const before = await open([first]);
  const { accounts, devices, keys } = before.storage;
  const user = { id: userId, realmId: defaultRealm, email: 'ada@example.org', emailKey: 'ada@example.org' };
  await accounts.createUser(
    { ...user, name: 'Ada', passwordHash: 'x', roles: [], permissions: [], phoneNumber: '+44 20 7946 0000' },
    context,
  );
  await devices.createDevice(
    {
      ...{ id: deviceId, realmId: defaultRealm, userId, curve: 'X25519', deviceKey },
      ...{ proofRequired: false, challenge: systemRandom.bytes(32) },
    },
    { maxPerUser: 0, pendingMs: 0 },
  );
  await devices.noteDeviceSeen(deviceId, { address: '192.0.2.1' });
  await keys.ensureCurrentKey(await newStoredKey('ES256', before.sealer), context);
  expect(await before.run()).toEqual({ resealed: 0, unopened: 0 });
  await before.storage.close();

  const both = await open([second, first]);
  expect(await both.run()).toEqual({ resealed: 4, unopened: 0 });
  expect(await both.run()).toEqual({ resealed: 0, unopened: 0 });
  await both.storage.close();

  const after = await open([second]);
  expect((await after.storage.accounts.findUser(userId))?.phoneNumber).toBe('+44 20 7946 0000');
  const device = await after.storage.devices.findDevice(deviceId);
  expect(Buffer.from(device?.deviceKey ?? [])).toEqual(Buffer.from(deviceKey));
  expect(device?.origin()).toEqual({ address: '192.0.2.1' });
  const [key] = await after.storage.keys.listKeys(defaultRealm, 'ES256');
  const pem = after.sealer.open(key?.sealedPrivateKey ?? '', signingKeyPlace(key?.kid ?? '')).toString('utf8');
  expect(pem).toMatch(/^-----BEGIN PRIVATE KEY/);
  await after.storage.close();
});

it('what no root key opens is counted and left as it is', async () => {
  const strangers = await open([rootKey('3'), rootKey('4')]);
  expect(await strangers.run()).toEqual({ resealed: 0, unopened: 4 });
  await strangers.storage.close();
  const after = await open([second]);
  expect((await after.storage.accounts.findUser(userId))?.phoneNumber).toBe('+44 20 7946 0000');
  await after.storage.close();
});
