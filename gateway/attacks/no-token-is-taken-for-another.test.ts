/** Token confusion and cache confusion, at both doors: what is refused as a request opens no WebSocket either. */
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { start } from '../server.ts';
import { doors, startRawService } from '../testing/raw-service.ts';
import {
  jwtSecret,
  mint,
  type Rig,
  sendRaw,
  startGateway,
  startGatewayWithRoutes,
  statusesOf,
} from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

type Door = (typeof doors)[number][1];
const path = '/api/v1/users/me';
const now = (): number => Math.floor(Date.now() / 1000);
const encode = (value: object | string): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const partsOf = (token: string): [string, string, string] => token.split('.') as [string, string, string];
const authorization = (token: string): string => `authorization: Bearer ${token}`;

/** A gateway before a service that remembers, and the status that a door answers with. */
const startBeforeService = async (env: Readonly<Record<string, string>> = {}, begin?: typeof start) => {
  const service = await startRawService('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok');
  const gateway = await startGateway({ USER_SERVICE_URL: service.url, ...env }, undefined, begin);
  return { gateway, service };
};
const ask = async (gateway: Rig, door: Door, ...lines: readonly string[]): Promise<number | undefined> =>
  statusesOf(await sendRaw(gateway, door(path, ...lines)))[0];

const signed = (header: object, claims: object, secret: string | Buffer = jwtSecret): string => {
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
};
const headerOf = (token: string) => JSON.parse(Buffer.from(partsOf(token)[0], 'base64url').toString()) as object;
const claimsOf = (token: string) => JSON.parse(Buffer.from(partsOf(token)[1], 'base64url').toString()) as object;

describe.each(doors)('%s: a token', (_, door) => {
  it('that is good passes, so that what follows can fail', async () => {
    const { gateway, service } = await startBeforeService();
    expect(await ask(gateway, door, authorization(mint()))).toBe(200);
    expect(service.received).toHaveLength(1);
  });

  it.each([
    ['unsigned', () => `${encode({ alg: 'none', typ: 'at+jwt' })}.${partsOf(mint())[1]}.`],
    [
      'unsigned, with a signature',
      () => `${encode({ alg: 'None', typ: 'at+jwt' })}.${partsOf(mint()).slice(1).join('.')}`,
    ],
    ['of another algorithm by name', () => mint({}, { alg: 'HS512' })],
    ['of an asymmetric algorithm by name', () => mint({}, { alg: 'RS256' })],
    ['without algorithm', () => mint({}, { alg: undefined })],
    ['of another type', () => mint({}, { typ: 'gw-assertion+jwt' })],
    ['of the general type', () => mint({}, { typ: 'JWT' })],
    ['without type', () => mint({}, { typ: undefined })],
    ['without key id', () => mint({}, { kid: undefined })],
    ['with a key id that is a path', () => mint({}, { kid: '../../../dev/null' })],
    ['with a key id that is no text', () => mint({}, { kid: 0 })],
    ['with a key id of the prototype', () => mint({}, { kid: '__proto__' })],
    ['that brings its key', () => mint({}, { jwk: { kty: 'oct', k: encode(jwtSecret) } })],
    ['that says where its key is', () => mint({}, { jku: 'http://127.0.0.1:1/jwks.json' })],
    ['with something critical', () => mint({}, { crit: ['exp'] })],
    ['with an unencoded payload', () => mint({}, { b64: false, crit: ['b64'] })],
    ['of an empty secret', () => mint({}, {}, '')],
    ['of another secret', () => mint({}, {}, `${jwtSecret} `)],
    ['of another issuer', () => mint({ iss: 'auth-service ' })],
    ['for another audience', () => mint({ aud: ['other'] })],
    ['expired', () => mint({ iat: now() - 1000, nbf: now() - 1000, exp: now() - 40 })],
    ['of the future', () => mint({ iat: now() + 600, nbf: now() + 600 })],
    ['that never expires', () => mint({ exp: undefined })],
    ['that expires in words', () => mint({ exp: String(now() + 900) })],
    ['whose claim would end a header', () => mint({ email: 'a@b.c\r\nX-User-Id: 1' })],
    ['whose claim would end a header as LF', () => mint({ sub: 'a\nX-Roles: admin', user_id: undefined })],
    ['whose role is two', () => mint({ roles: ['user,admin'] })],
    ['with a member twice', () => ''],
    ['padded', () => `${mint()}=`],
    ['with a fourth part', () => `${mint()}.x`],
    ['in another alphabet', () => mint().replace(/.$/, '+')],
    ['of nothing', () => '..'],
  ])('%s is 401, and no service hears of it', async (what, make) => {
    const { gateway, service } = await startBeforeService();
    const doubled = (): string => {
      const good = JSON.stringify(claimsOf(mint()));
      const input = `${partsOf(mint())[0]}.${encode(good.replace('{', '{"sub":"another",'))}`;
      return `${input}.${createHmac('sha256', jwtSecret).update(input).digest('base64url')}`;
    };
    const token = what === 'with a member twice' ? doubled() : make();
    expect(await ask(gateway, door, authorization(token))).toBe(401);
    expect(service.received).toEqual([]);
  });

  it('is one: two headers, two in one, or one elsewhere are none', async () => {
    const { gateway, service } = await startBeforeService({ ACCESS_COOKIE_NAME: 'access' });
    const token = mint();
    for (const lines of [
      [authorization(token), authorization(token)],
      [authorization(token), 'authorization: Bearer x'],
      ['authorization: Bearer x', authorization(token)],
      ['authorization: Basic eDp5', authorization(token)],
      [`authorization: Bearer ${token}, Bearer ${token}`],
      [`authorization: Bearer ${token} ${token}`],
      [`authorization: Bearer\t${token}`],
      [`authorization: ${token}`],
      [`x-authorization: Bearer ${token}`],
      [`proxy-authorization: Bearer ${token}`],
      [`authorization_: Bearer ${token}`],
      [`sec-websocket-protocol: bearer, ${token}`],
      ['authorization: Bearer x', `cookie: access=${token}`],
      [`cookie: access=x; access=${token}`],
      [`cookie: access=${token}`, `cookie: access=${token}`],
      [`cookie: \u00a0access=${token}`],
      [`cookie: Access=${token}`],
    ]) {
      expect([lines[0]?.slice(0, 30), await ask(gateway, door, ...lines)]).toEqual([
        lines[0]?.slice(0, 30),
        expect.toBeOneOf([400, 401]),
      ]);
    }
    expect(statusesOf(await sendRaw(gateway, door(`${path}?access_token=${token}`)))[0]).toBe(401);
    expect(service.received).toEqual([]);
  });
});

/** An issuer of keys, and where a forged header points to. */
const startKeys = async (key: KeyObject) => {
  let asked = 0;
  const jwk = { ...createPublicKey(key).export({ format: 'jwk' }), kid: 'k1', use: 'sig', alg: 'RS256' };
  const server = createServer((_, res) => {
    asked += 1;
    res.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked };
};

describe.each(doors)('%s: with RS256', (_, door) => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const rs256 = (header: object = {}, key = privateKey): string => {
    const input = `${encode({ alg: 'RS256', typ: 'at+jwt', kid: 'k1', ...header })}.${partsOf(mint())[1]}`;
    return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`;
  };

  it('the public key is no secret for HS256, in any of its forms', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-keys-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const file = join(folder, 'public.pem');
    writeFileSync(file, pem);
    const env = { JWT_ALGORITHM: 'RS256', JWT_PUBLIC_KEY_PATH: file, JWT_SECRET: '' };
    const { gateway, service } = await startBeforeService(env);
    const der = publicKey.export({ type: 'spki', format: 'der' });
    for (const secret of [pem, pem.trim(), der, String(publicKey.export({ format: 'jwk' }).n), '']) {
      for (const alg of ['HS256', 'RS256', 'none']) {
        const token = signed({ alg, typ: 'at+jwt', kid: 'k1' }, claimsOf(mint()), secret);
        expect(await ask(gateway, door, authorization(token))).toBe(401);
      }
    }
    expect(service.received).toEqual([]);
  });

  it('keys come from the issuer alone, and a flood of unknown key ids asks for them once', async () => {
    const [issuer, decoy] = await Promise.all([startKeys(privateKey), startKeys(privateKey)]);
    const { gateway, service } = await startBeforeService({ JWT_ALGORITHM: 'RS256', AUTH_SERVICE_URL: issuer.url });
    await expect.poll(() => ask(gateway, door, authorization(rs256()))).toBe(200);
    const [before, served] = [issuer.asked(), service.received.length];
    const own = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    for (const header of [
      { jku: `${decoy.url}/jwks.json` },
      { x5u: decoy.url, kid: 'k2' },
      { jku: decoy.url, kid: `${decoy.url}#k1` },
      ...Array.from({ length: 30 }, (_, at) => ({ kid: `unknown-${at}` })),
    ]) {
      expect(await ask(gateway, door, authorization(rs256(header, own)))).toBe(401);
    }
    expect([issuer.asked() - before, decoy.asked(), service.received.length]).toEqual([
      expect.toBeOneOf([0, 1]),
      0,
      served,
    ]);
  });
});

describe.each(doors)('%s: a token that has passed', (_, door) => {
  it('lends nothing to another with its signature, or with its claims', async () => {
    const { gateway, service } = await startBeforeService();
    const good = mint();
    expect(await ask(gateway, door, authorization(good))).toBe(200);
    const [header, , signature] = partsOf(good);
    const admin = encode({ ...claimsOf(good), roles: ['admin'], exp: now() + 9000 });
    const [otherHeader, otherPayload] = partsOf(mint({ jti: 'another' }, {}, 'another secret for tests, forty bytes'));
    for (const token of [
      `${header}.${admin}.${signature}`,
      `${encode({ ...headerOf(good), x: 1 })}.${partsOf(good)[1]}.${signature}`,
      `${otherHeader}.${otherPayload}.${signature}`,
      good.toUpperCase(),
      good.slice(0, -1),
    ]) {
      expect(await ask(gateway, door, authorization(token))).toBe(401);
    }
    expect(service.received).toHaveLength(1);
  });

  it('is asked for its expiry at each use', async () => {
    const { gateway, service } = await startBeforeService({ CLOCK_LEEWAY_SECONDS: '0' });
    const brief = mint({ exp: now() + 2 });
    expect(await ask(gateway, door, authorization(brief))).toBe(200);
    await pause(2050);
    expect(await ask(gateway, door, authorization(brief))).toBe(401);
    expect(service.received).toHaveLength(1);
  });

  it('on a route that asks for little has passed none that asks for more', async () => {
    const table = (url: string) => ({
      version: 1,
      services: [{ id: 'shop', url }],
      routes: [
        { path: '/open/*', service: 'shop', access: 'optional' },
        { path: '/mine/*', service: 'shop', access: 'required' },
        { path: '/admin/*', service: 'shop', access: 'required', roles: ['admin'] },
      ],
    });
    const gateway = await startGatewayWithRoutes(table);
    const line = authorization(mint({ roles: ['user'] }));
    for (const [target, status] of [
      ['/open/a', 200],
      ['/mine/a', 200],
      ['/admin/a', 403],
      ['/mine/a', 200],
      ['/admin/a', 403],
    ] as const) {
      expect(statusesOf(await sendRaw(gateway, door(target, line)))[0]).toBe(status);
    }
  });
});

describe('a flood of tokens, each good for itself', () => {
  it('puts none out of memory that is in use', async () => {
    const { gateway } = await startBeforeService();
    const used = mint();
    const [, door] = doors[0];
    for (let n = 0; n < 3; n += 1) await ask(gateway, door, authorization(used));
    const socket = connect(gateway.port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    let text = '';
    socket.setEncoding('latin1').on('data', (part: string) => {
      text += part;
    });
    const one = (): string =>
      `POST /api/v1/payments HTTP/1.1\r\nhost: a\r\n${authorization(mint({ name: 'x'.repeat(1500) }))}\r\ncontent-length: 0\r\n\r\n`;
    const flood = 4000;
    for (let n = 0; n < flood; n += 1) socket.write(one(), 'latin1');
    await expect.poll(() => statusesOf(text).length, { timeout: 20_000, interval: 50 }).toBe(flood);
    const metric = async (name: string): Promise<number> => {
      const page = await (await fetch(`${gateway.privateUrl}/metrics`)).text();
      return Number(new RegExp(`^sallyport_gateway_${name} (\\d+)$`, 'm').exec(page)?.[1]);
    };
    const before = await metric('token_cache_hits');
    await ask(gateway, door, authorization(used));
    expect((await metric('token_cache_hits')) - before).toBe(1);
  });
});

describe('is known to be able to fail', () => {
  it.each(doors)('%s: where the first of two headers counts, a second is not asked for', async (_, door) => {
    const sabotage = {
      file: 'steps/authenticate.ts',
      find: 'parseAuthorization(authorization)',
      replace: 'parseAuthorization(authorization.slice(0, 1))',
    };
    await withSabotage(sabotage, async (begin) => {
      const { gateway } = await startBeforeService({}, begin);
      expect(await ask(gateway, door, authorization(mint()), 'authorization: Bearer x')).toBe(200);
    });
  });

  it.each(doors)('%s: where a bad token is noted and passed, a forged one is served', async (_, door) => {
    const sabotage = {
      file: 'steps/authenticate.ts',
      find: 'if (!verification.ok) return refusal(verification);',
      replace: 'if (!verification.ok) return undefined;',
    };
    await withSabotage(sabotage, async (begin) => {
      const { gateway } = await startBeforeService({}, begin);
      expect(await ask(gateway, door, authorization(mint({}, {}, 'guessed')))).toBe(200);
    });
  });
});
