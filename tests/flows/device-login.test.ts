/** contracts/device-chat.md, the issuer: a device is registered in two steps and logs in with proof of its key, once per nonce. */
import { createPublicKey, generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { sabotagedIssuer } from '../prove/sabotaged-issuer.ts';
import {
  beginDevice,
  confirmDevice,
  loginBody,
  loginOnDevice,
  type RegisteredDevice,
  registerDevice,
  usernameOf,
} from '../testing/devices.ts';
import { decodeToken } from '../testing/forge.ts';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, issuerFolder, startIssuer } from '../testing/issuer.ts';
import { newPerson } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

const folder = issuerFolder();
let issuer: Issuer;
let call: Call;

const settings = () => {
  const path = join(folder.path, 'jwt_private_key.pem');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(path, privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
  return { SALLYPORT_PRESET: 'device-chat', JWT_PRIVATE_KEY_PATH: path, JWT_SECRET: '' };
};
const own = settings();

beforeAll(async () => {
  issuer = await startIssuer(own, folder);
  call = httpClient(issuer.url);
});
afterAll(() => issuer.remove());

const someone = () => {
  const { password, ...person } = newPerson();
  return { username: usernameOf({ ...person, password }), password };
};
const refresh = (token: unknown): Promise<Answer> =>
  call('POST', '/api/auth/refresh', { body: { refresh_token: token } });
const verified = (bearer: unknown): Promise<Answer> => call('GET', '/api/auth/verify', { bearer: String(bearer) });

const refused = (answer: Answer): void => expectProblem(answer, 'credentials_invalid', 'invalid credentials');

describe('the registration of a device', () => {
  it.each(['X25519', 'P-256'] as const)(
    'over %s: both sides hold one key, signed by the issuer, of use once confirmed',
    async (curve) => {
      const person = someone();
      const extra = { display_name: 'Ann', phone_number: '+43 1 234', device_name: 'phone' };
      const begun = await beginDevice(call, person, curve, extra);
      expect(begun.answer.body).toEqual({
        device_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        curve,
        server_public_key: expect.any(String),
        server_mac: begun.serverMac,
        server_signature: expect.any(String),
        is_new_user: true,
      });
      const { text: pem, headers } = await call('GET', '/api/auth/public-key');
      expect(headers['content-type']).toBe('application/x-pem-file');
      const signature = Buffer.from(String(begun.answer.body['server_signature']), 'base64url');
      expect(verify('sha256', begun.transcriptHash, createPublicKey(pem), signature)).toBe(true);

      refused(await loginOnDevice(call, begun, person.password));
      expect(await confirmDevice(call, begun)).toMatchObject({ status: 200, body: { message: 'device registered' } });
      refused(await confirmDevice(call, begun));
      const login = await loginOnDevice(call, begun, person.password);
      expect(login.body).toMatchObject({
        session_id: expect.stringMatching(/^[0-9a-f]{64}$/),
        access_token: expect.any(String),
        refresh_token: expect.stringMatching(/^[A-Za-z0-9_-]{43,255}$/),
        expires_in: 7200,
        token_type: 'Bearer',
        user: {
          user_id: expect.any(String),
          username: person.username,
          phone_number: '+43 1 234',
          display_name: 'Ann',
          is_new_user: false,
        },
      });
      const { header, claims } = decodeToken(String(login.body['access_token']));
      const { user_id: userId } = login.body['user'] as { readonly user_id: string };
      expect(header).toMatchObject({ alg: 'RS256' });
      expect(claims).toMatchObject({ user_id: userId, sub: userId, device_id: begun.id, iss: 'user-service' });
      expect(Number(claims['exp']) - Number(claims['iat'])).toBe(7200);
    },
  );

  it('of a known name asks for its password, and says that nobody new was made', async () => {
    const person = someone();
    await registerDevice(call, person);
    const second = await beginDevice(call, person);
    expect(second.answer.body['is_new_user']).toBe(false);
    const wrong = { ...person, password: 'not this one' };
    const key = randomBytes(32).toString('base64url');
    const body = { ...wrong, curve: 'X25519', client_public_key: key };
    refused(await call('POST', '/api/auth/register-device', { body }));
  });

  it('makes one account where two devices come with a new name at once', async () => {
    const person = someone();
    const both = await Promise.all([beginDevice(call, person), beginDevice(call, person)]);
    expect(
      both.map(({ answer }) => answer.body['is_new_user']).toSorted((one, other) => Number(one) - Number(other)),
    ).toEqual([false, true]);
  });

  it('refuses keys that nobody may agree with, before an account is made', async () => {
    const person = someone();
    const bad: readonly (readonly [string, Buffer | string])[] = [
      ['X25519', Buffer.alloc(32)],
      ['X25519', Buffer.from('ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 'hex')],
      ['X25519', randomBytes(31)],
      ['P-256', Buffer.concat([Buffer.from([4]), randomBytes(64)])],
      ['P-256', randomBytes(65)],
      ['X25519', 'not base64url!'],
    ];
    for (const [curve, key] of bad) {
      const client_public_key = typeof key === 'string' ? key : key.toString('base64url');
      const answer = await call('POST', '/api/auth/register-device', { body: { ...person, curve, client_public_key } });
      expectProblem(answer, 'device_key_invalid', 'invalid request');
    }
    expect((await beginDevice(call, person)).answer.body['is_new_user']).toBe(true);
  });

  it('is confirmed by nobody without the key', async () => {
    const begun = await beginDevice(call, someone());
    for (const clientMac of [begun.serverMac, randomBytes(32).toString('base64url'), '', '*'])
      refused(await confirmDevice(call, { id: begun.id, clientMac }));
    refused(await confirmDevice(call, { ...begun, id: '0194e0a8-4f2c-7a31-9a51-2f6f6e6f6a01' }));
    expect((await confirmDevice(call, begun)).status).toBe(200);
  });
});

describe('a login', () => {
  let device: RegisteredDevice;
  const person = someone();
  beforeAll(async () => {
    device = await registerDevice(call, person);
  });

  it('is 400 where a member is missing, with the contract’s text', async () => {
    const body = loginBody(device, person.password);
    for (const name of ['username', 'password', 'device_id', 'timestamp', 'nonce', 'session_id', 'device_signature']) {
      const { [name as keyof typeof body]: _gone, ...rest } = body;
      expectProblem(await call('POST', '/api/auth/login', { body: rest }), 'field_missing', 'invalid request');
    }
    const answers = await Promise.all(
      [{ nonce: 'short' }, { username: 'a:b' }, { timestamp: '-5' }].map((given) =>
        loginOnDevice(call, device, person.password, given),
      ),
    );
    for (const answer of answers) expectProblem(answer, 'field_invalid', 'invalid request');
  });

  it('fails in one way, whatever is wrong', async () => {
    const other = await registerDevice(call, someone());
    const stranger = { ...device, id: '0194e0a8-4f2c-7a31-9a51-2f6f6e6f6a01' };
    const ahead = String(Date.now() + 301_000);
    const behind = String(Date.now() - 301_000);
    const failures = [
      await loginOnDevice(call, device, 'not this one'),
      await loginOnDevice(call, { ...device, key: randomBytes(32) }, person.password),
      await loginOnDevice(call, stranger, person.password),
      await loginOnDevice(call, { ...other, username: device.username }, person.password),
      await loginOnDevice(call, device, person.password, { timestamp: ahead }),
      await loginOnDevice(call, device, person.password, { timestamp: behind }),
      await loginOnDevice(call, device, person.password, { session_id: '0'.repeat(64) }),
      await loginOnDevice(call, device, person.password, { device_signature: '0'.repeat(64) }),
    ];
    for (const answer of failures) refused(answer);
    const [first, ...rest] = failures.map(({ body: { instance: _one, ...body } }) => body);
    for (const body of rest) expect(body).toEqual(first);
  });

  it('spends its nonce once, in sequence and in parallel at two issuers, also over a restart', async () => {
    const second = await startIssuer(own, folder);
    try {
      const other = httpClient(second.url);
      const body = loginBody(device, person.password);
      const post = (at: Call) => at('POST', '/api/auth/login', { body });
      const answers = await Promise.all(Array.from({ length: 12 }, (_, turn) => post(turn % 2 ? call : other)));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      for (const answer of answers) if (answer.status !== 200) refused(answer);
      refused(await post(call));
      await second.stop();
      const third = await startIssuer(own, folder);
      refused(await post(httpClient(third.url)));
      await third.stop();
    } finally {
      await second.stop();
    }
  });

  it('is let in twice where the nonce is not asked for, so that the test above can fail', async () => {
    const forgetful = sabotagedIssuer({
      file: 'factors/device-proof.ts',
      find: 'return isFirst ?',
      replace: 'return isFirst || true ?',
    });
    const twin = await startIssuer(own, folder, pathToFileURL(forgetful.entry).href);
    onTestFinished(async () => {
      await twin.stop();
      forgetful.remove();
    });
    const body = loginBody(device, person.password);
    const post = () => httpClient(twin.url)('POST', '/api/auth/login', { body });
    expect([(await post()).status, (await post()).status]).toEqual([200, 200]);
  });

  it('leaves the nonce unspent where the MACs are wrong', async () => {
    const nonce = randomBytes(16).toString('hex');
    refused(await loginOnDevice(call, { ...device, key: randomBytes(32) }, person.password, { nonce }));
    expect((await loginOnDevice(call, device, person.password, { nonce })).status).toBe(200);
  });

  it('replaces the session that the device had before, and leaves other devices alone', async () => {
    const other = await registerDevice(call, person);
    const [first, elsewhere] = [
      await loginOnDevice(call, device, person.password),
      await loginOnDevice(call, other, person.password),
    ];
    const second = await loginOnDevice(call, device, person.password);
    expectProblem(await refresh(first.body['refresh_token']), 'session_revoked', 'invalid refresh token');
    expect((await verified(first.body['access_token'])).status).toBe(401);
    for (const login of [second, elsewhere]) expect((await verified(login.body['access_token'])).status).toBe(200);
  });
});

describe('afterwards', () => {
  it('a refresh gives a new access token and keeps its own; the eleventh in an hour is 429', async () => {
    const person = someone();
    const device = await registerDevice(call, person);
    const { body: login } = await loginOnDevice(call, device, person.password);
    const token = login['refresh_token'];
    for (let turn = 0; turn < 10; turn += 1) {
      const answer = await refresh(token);
      expect(answer).toMatchObject({ status: 200, body: { token_type: 'Bearer', expires_in: 7200 } });
      expect(decodeToken(String(answer.body['access_token'])).claims['device_id']).toBe(device.id);
    }
    const limited = await refresh(token);
    expectProblem(limited, 'rate_limited');
    expect(Number(limited.headers['retry-after'])).toBeGreaterThan(3000);
    const other = await registerDevice(call, person);
    const { body: elsewhere } = await loginOnDevice(call, other, person.password);
    expect((await refresh(elsewhere['refresh_token'])).status).toBe(200);
    expectProblem(await refresh('nonsense'), 'refresh_invalid', 'invalid refresh token');
    expectProblem(await call('POST', '/api/auth/refresh'), 'field_missing', 'invalid request');
  });

  it('logout and logout-all answer as the contract says, and end what they name', async () => {
    const person = someone();
    const [one, two] = [await registerDevice(call, person), await registerDevice(call, person)];
    const [first, second] = [
      await loginOnDevice(call, one, person.password),
      await loginOnDevice(call, two, person.password),
    ];
    const out = await call('POST', '/api/auth/logout', { body: { refresh_token: first.body['refresh_token'] } });
    expect([out.status, out.body['message']]).toEqual([200, 'logged out successfully']);
    expect((await verified(first.body['access_token'])).status).toBe(401);
    const all = await call('POST', '/api/auth/logout-all', { bearer: String(second.body['access_token']) });
    expect([all.status, all.body['message']]).toEqual([200, 'logged out from all devices']);
    expect((await refresh(second.body['refresh_token'])).status).toBe(401);
  });

  it('devices are listed, named, remembered and revoked by their user alone; a revoked one is out at once', async () => {
    const person = someone();
    const [mine, lost] = [await registerDevice(call, person), await registerDevice(call, person)];
    const [here, there] = [
      await loginOnDevice(call, mine, person.password),
      await loginOnDevice(call, lost, person.password),
    ];
    const bearer = String(here.body['access_token']);
    const devices = async (): Promise<readonly Record<string, unknown>[]> =>
      (await call('GET', '/api/auth/devices', { bearer })).body['devices'] as Record<string, unknown>[];
    const change = (id: string, body: object) => call('POST', `/api/auth/devices/${id}`, { bearer, body });
    const named = await change(lost.id, { name: 'old phone' });
    expectProblem(await change(lost.id, { trusted_for_days: 30 }), 'permission_denied');
    expect((await change(mine.id, { trusted_for_days: 30 })).status).toBe(200);
    expect(named.status).toBe(200);
    const listed = await devices();
    expect(listed).toMatchObject([
      { id: lost.id, name: 'old phone', current: false, device_info: 'test phone', address: '127.0.0.1' },
      { id: mine.id, current: true },
    ]);
    expect(Date.parse(String(listed[1]?.['trusted_until']))).toBeGreaterThan(Date.now() + 29 * 86_400_000);
    const sessions = await call('GET', '/api/auth/sessions', { bearer });
    expect(sessions.body['sessions']).toMatchObject([{ device_id: lost.id }, { device_id: mine.id }]);

    const stranger = someone();
    const theirs = await loginOnDevice(call, await registerDevice(call, stranger), stranger.password);
    const asStranger = { bearer: String(theirs.body['access_token']) };
    expectProblem(await call('DELETE', `/api/auth/devices/${lost.id}`, asStranger), 'device_unknown');
    expectProblem(await call('DELETE', '/api/auth/devices/nothing', asStranger), 'device_unknown');

    expect((await call('DELETE', `/api/auth/devices/${lost.id}`, { bearer })).status).toBe(200);
    expect((await verified(there.body['access_token'])).status).toBe(401);
    expectProblem(await refresh(there.body['refresh_token']), 'session_revoked');
    refused(await loginOnDevice(call, lost, person.password));
    expect((await devices()).map(({ id }) => id)).toEqual([mine.id]);
    // Whoever asks again ends what may have been left.
    expect((await call('DELETE', `/api/auth/devices/${lost.id}`, { bearer })).status).toBe(200);
    expect((await verified(bearer)).status).toBe(200);
  });

  it('revoking the others leaves the one that asks', async () => {
    const person = someone();
    const all = [
      await registerDevice(call, person),
      await registerDevice(call, person),
      await registerDevice(call, person),
    ];
    const logins: Answer[] = [];
    for (const device of all) logins.push(await loginOnDevice(call, device, person.password));
    const bearer = String(logins[1]?.body['access_token']);
    expect(await call('DELETE', '/api/auth/devices', { bearer })).toMatchObject({ status: 200, body: { revoked: 2 } });
    const statuses = await Promise.all(logins.map(({ body }) => verified(body['access_token'])));
    expect(statuses.map(({ status }) => status)).toEqual([401, 200, 401]);
  });
});
