/** What an operator sees and ends on the host while the issuer runs: `sallyport sessions`, `sallyport devices`. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compileCache } from '../testing/child-server.ts';
import { loginOnDevice, registerDevice, usernameOf } from '../testing/devices.ts';
import { httpClient } from '../testing/http-client.ts';
import { type Issuer, issuerFolder, startIssuer } from '../testing/issuer.ts';
import { newPerson } from '../testing/people.ts';

const settings = { SALLYPORT_PRESET: 'device-chat', JWT_ALGORITHM: 'HS256', JWT_PRIVATE_KEY_PATH: '' };
const folder = issuerFolder();
let issuer: Issuer;
beforeAll(async () => {
  issuer = await startIssuer(settings, folder);
});
afterAll(() => issuer.remove());

const sallyport = (...args: string[]) =>
  spawnSync(process.execPath, [fileURLToPath(import.meta.resolve('@sallyport/cli/main')), ...args], {
    env: { PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: compileCache, ...folder.settings, ...settings },
    encoding: 'utf8',
  });

it('lists and ends sessions and devices, and says what is not there', async () => {
  const call = httpClient(issuer.url);
  const { password, ...rest } = newPerson();
  const person = { username: usernameOf({ ...rest, password }), password };
  const logIn = async () => {
    const device = await registerDevice(call, person);
    const answer = await loginOnDevice(call, device, person.password);
    expect(answer.status).toBe(200);
    const bearer = String(answer.body['access_token']);
    return { device, status: async () => (await call('GET', '/api/auth/verify', { bearer })).status };
  };
  const [phone, laptop, desk] = [await logIn(), await logIn(), await logIn()];
  const read = (...args: string[]) => JSON.parse(sallyport(...args, '--json').stdout) as Record<string, unknown>[];

  const devices = read('devices', 'list', person.username);
  expect(new Set(devices.map(({ id }) => id))).toEqual(new Set([phone, laptop, desk].map(({ device }) => device.id)));
  for (const { device } of [phone, laptop, desk])
    for (const spelling of ['hex', 'base64', 'base64url'] as const)
      expect(JSON.stringify(devices)).not.toContain(device.key.toString(spelling));
  const sessions = read('sessions', 'list', person.username);
  expect(sessions).toHaveLength(3);
  const ofLaptop = sessions.find(({ device_id: id }) => id === laptop.device.id)?.['id'];

  expect(sallyport('sessions', 'end', String(ofLaptop))).toMatchObject({ status: 0, stderr: '' });
  expect(sallyport('sessions', 'end', String(ofLaptop))).toMatchObject({ status: 1 });
  expect(await laptop.status()).toBe(401);
  expect(sallyport('devices', 'revoke', phone.device.id)).toMatchObject({ status: 0, stderr: '' });
  expect([await phone.status(), await desk.status()]).toEqual([401, 200]);
  expect((await loginOnDevice(call, phone.device, person.password)).status).toBe(401);
  expect(sallyport('sessions', 'end', '--user', person.username)).toMatchObject({ status: 0 });
  expect(await desk.status()).toBe(401);

  expect(sallyport('devices', 'revoke', 'nothing').stderr).toContain('There is no device nothing.');
  expect(sallyport('sessions', 'list', 'nobody').stderr).toContain('There is no account nobody.');
  expect(sallyport('sessions', 'end').stderr).toContain('--user');
});
