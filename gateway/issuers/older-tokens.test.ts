import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { jwtSecret, mint, startGateway } from '../testing/rig.ts';
import { lackable } from './issuer-rule.ts';

/** Each as it is left out of a token that lacks nothing else. */
const without: Readonly<Record<(typeof lackable)[number], string>> = {
  typ: mint({}, { typ: 'JWT' }),
  aud: mint({ aud: undefined }),
  jti: mint({ jti: undefined }),
  sid: mint({ sid: undefined }),
  kid: mint({}, { kid: undefined }),
};

const statusOf = async (url: string, token: string): Promise<number> =>
  (await fetch(`${url}/api/v1/users/me`, { headers: { authorization: `Bearer ${token}` } })).status;

it('JWT_MAY_LACK allows what it names and nothing else; a token without sid passes as ever', async () => {
  for (const [given, passing] of [
    ['', ['sid']],
    ['typ', ['typ', 'sid']],
    ['aud,jti,kid', ['aud', 'jti', 'sid', 'kid']],
  ] as const) {
    const gateway = await startGateway({ JWT_MAY_LACK: given });
    const passed = [];
    for (const name of lackable) if ((await statusOf(gateway.url, without[name])) === 200) passed.push(name);
    expect(passed).toEqual(passing);
  }
  await expect(startGateway({ JWT_MAY_LACK: 'exp' })).rejects.toThrow('JWT_MAY_LACK');
});

it('another issuer has allowances of its own, and so may lack what the gateway’s own may not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-older-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [secretFile, config] = [join(folder, 'secret'), join(folder, 'config.json')];
  writeFileSync(secretFile, jwtSecret);
  const partner = { id: 'partner', issuer: 'old.example', audience: 'api', algorithm: 'HS256', secretFile };
  const routes = [{ path: '/api/*', service: 'user-service', access: 'required', issuers: ['own', 'partner'] }];
  const statusWith = async (mayLack: readonly string[]): Promise<readonly number[]> => {
    writeFileSync(config, JSON.stringify({ gateway: { issuers: [{ ...partner, mayLack }], routes } }));
    const { url } = await startGateway({ SALLYPORT_CONFIG_FILE: config });
    const tokens = [{ iss: 'old.example', aud: undefined }, { aud: undefined }];
    return Promise.all(tokens.map((claims) => statusOf(url, mint(claims, { typ: 'JWT' }))));
  };
  expect(await statusWith([...lackable])).toEqual([200, 401]);
  expect(await statusWith(['typ'])).toEqual([401, 401]);
  await expect(statusWith(['exp'])).rejects.toThrow('mayLack');
});
