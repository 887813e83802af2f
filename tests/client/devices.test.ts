/** The SDK's devices against a real issuer, in Node; in a browser the key lies in IndexedDB. */
import { generateKeyPairSync } from 'node:crypto';
import {
  ApiError,
  createApiClient,
  createDevices,
  createTokenManager,
  type DeviceCurve,
  memoryDeviceStore,
  memoryStore,
} from '@sallyport/client';
import { signedBy } from '@sallyport/client/issuer-signature';
import { openProofKey } from '@sallyport/client/proof-key';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deviceFolder } from '../testing/device-chat.ts';
import { beginDevice, exchangeAsServer, usernameOf } from '../testing/devices.ts';
import { freePort } from '../testing/free-ports.ts';
import { httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { newPerson } from '../testing/people.ts';

let issuer: Issuer;
let authUrl: string;
beforeAll(async () => {
  const port = await freePort();
  const settings = { AUTH_PORT: String(port), PUBLIC_URL: `http://127.0.0.1:${port}` };
  issuer = await startIssuer(settings, deviceFolder());
  authUrl = `${issuer.url}/api/auth`;
});
afterAll(() => issuer.remove());

const someone = () => {
  const person = newPerson();
  return { username: usernameOf(person), password: person.password };
};

describe('devices', () => {
  it.each(['X25519', 'P-256', undefined] as const)(
    'register over %s and log in; the key cannot be read',
    async (curve) => {
      const store = memoryDeviceStore();
      const devices = createDevices({ authUrl, store, ...(curve && { curve: curve satisfies DeviceCurve }) });
      const person = someone();
      expect(await devices.loginBody(person)).toBeUndefined();
      const { isNewUser, deviceId } = await devices.register(person, { deviceName: 'Node', displayName: 'Ann' });
      expect(isNewUser).toBe(true);
      const { key } = (await store.read(person.username)) ?? {};
      expect(key?.extractable).toBe(false);
      await expect(crypto.subtle.exportKey('raw', key as CryptoKey)).rejects.toThrow();

      const tokens = createTokenManager({ authUrl, store: memoryStore() });
      const { user, session_id } = await tokens.signIn('login', await devices.loginBody(person, 'test'));
      expect(user).toMatchObject({ username: person.username, display_name: 'Ann' });
      expect(session_id).toMatch(/^[0-9a-f]{64}$/);
      const bearer = String(await tokens.getAccessToken());
      const { body } = await httpClient(issuer.url)('GET', '/api/auth/devices', { bearer });
      expect(body['devices']).toMatchObject([{ id: deviceId, name: 'Node', current: true, device_info: 'test' }]);
      expect(await tokens.checkAndRefresh()).toBe(true);
      expect(await tokens.logout()).toBe(true);

      await devices.forget(person.username);
      expect(await devices.isRegistered(person.username)).toBe(false);
      tokens.close();
    },
  );

  it('say what the issuer says: a wrong password registers nothing', async () => {
    const store = memoryDeviceStore();
    const devices = createDevices({ authUrl, store });
    const person = someone();
    await devices.register(person);
    await devices.forget(person.username);
    const refused = devices.register({ ...person, password: 'not this one' });
    await expect(refused).rejects.toMatchObject({ status: 401, message: 'invalid credentials' });
    await expect(refused).rejects.toBeInstanceOf(ApiError);
    expect(await devices.isRegistered(person.username)).toBe(false);
  });

  it('believe nobody who does not hold the same key', async () => {
    const withAnotherMac: typeof fetch = async (url, init) => {
      const answer = await fetch(url, init);
      const body = (await answer.json()) as Record<string, unknown>;
      const server_mac = Buffer.alloc(32).toString('base64url');
      return Response.json({ ...body, ...('server_mac' in body && { server_mac }) }, { status: answer.status });
    };
    const devices = createDevices({ authUrl, store: memoryDeviceStore(), fetch: withAnotherMac });
    const person = someone();
    await expect(devices.register(person)).rejects.toThrow('the issuer does not hold the device key');
    expect(await devices.isRegistered(person.username)).toBe(false);
  });

  /** Somebody between client and issuer, who agrees on one key with either; from the client's side. */
  const manInTheMiddle: typeof fetch = async (url, init) => {
    if (typeof url !== 'string' || !url.endsWith('/register-device')) return fetch(url, init);
    const theirs = JSON.parse(init?.body as string) as Record<string, string>;
    const own = await beginDevice(httpClient(issuer.url), {
      username: String(theirs['username']),
      password: String(theirs['password']),
    });
    const { serverPublicKey, serverMac } = exchangeAsServer(theirs, own.id);
    return Response.json(
      { ...own.answer.body, server_public_key: serverPublicKey, server_mac: serverMac },
      { status: 201 },
    );
  };

  it("believe the issuer's signature alone where its key is pinned: whoever sits in between has only a MAC of his own", async () => {
    const { keys } = (await (await fetch(`${issuer.url}/.well-known/jwks.json`)).json()) as { keys: JsonWebKey[] };
    const isSigned = signedBy(keys);
    const register = (given: object) => {
      const store = memoryDeviceStore();
      const done = createDevices({ authUrl, store, curve: 'X25519', isSigned, ...given }).register(someone());
      return done.then(() => 'registered', String);
    };
    expect(await register({})).toBe('registered');
    expect(await register({ fetch: manInTheMiddle })).toMatch('the issuer has not signed the registration');
    const another = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
    expect(await register({ isSigned: signedBy([{ ...another, alg: 'RS256' }]) })).toMatch('has not signed');
    // The twin: without the pin his MAC is as good as the issuer's, and only the confirmation shows it.
    expect(await register({ isSigned: undefined, fetch: manInTheMiddle })).toMatch('invalid credentials');
    expect(() => signedBy([])).toThrow(TypeError);
    expect(() => signedBy([{ kty: 'oct', alg: 'HS256' }])).toThrow(TypeError);
  });

  it('know a user by any spelling of the name, as the issuer does', async () => {
    const devices = createDevices({ authUrl, store: memoryDeviceStore() });
    const { username, password } = someone();
    await devices.register({ username: username.toUpperCase(), password });
    // The first letter in its full width.
    const spelled = String.fromCodePoint((username.codePointAt(0) ?? 0) + 0xfee0) + username.slice(1);
    expect(await devices.isRegistered(spelled)).toBe(true);
    const tokens = createTokenManager({ authUrl, store: memoryStore() });
    const { user } = await tokens.signIn('login', await devices.loginBody({ username: spelled, password }));
    expect(user).toMatchObject({ username: username.toUpperCase() });
    await devices.forget(username);
    expect(await devices.isRegistered(username.toUpperCase())).toBe(false);
    tokens.close();
  });

  it('keep the earlier device where the confirmation of another one is refused', async () => {
    const store = memoryDeviceStore();
    const person = someone();
    const { deviceId } = await createDevices({ authUrl, store }).register(person);
    const neverConfirmed: typeof fetch = async (url, init) =>
      typeof url === 'string' && url.endsWith('/confirm')
        ? Response.json({ error: 'invalid credentials' }, { status: 401 })
        : fetch(url, init);
    const refused = createDevices({ authUrl, store, fetch: neverConfirmed }).register(person);
    await expect(refused).rejects.toMatchObject({ status: 401 });
    expect(await store.read(person.username)).toMatchObject({ deviceId });
  });
});

describe('devices with a proof key', () => {
  const fourMinutesMs = 240_000;

  it.each([
    ['', 0],
    [', by a clock that is four minutes ahead', fourMinutesMs],
    [', by a clock that is four minutes behind', -fourMinutesMs],
  ])('log in, ask and refresh with proofs%s', async (_, aheadMs) => {
    const now = (): number => Date.now() + aheadMs;
    const deviceStore = memoryDeviceStore();
    const proofKey = openProofKey(deviceStore);
    const person = someone();
    const devices = createDevices({ authUrl, store: deviceStore, proofKey, now });
    await devices.register(person);
    const store = memoryStore();
    const tokens = createTokenManager({ authUrl, store, proofKey, now });
    expect((await tokens.signIn('login', await devices.loginBody(person)))['token_type']).toBe('DPoP');
    const api = createApiClient({ baseUrl: authUrl, tokens });
    expect((await api.get('/devices'))['devices']).toMatchObject([{ current: true, refresh_proof: 'required' }]);
    await tokens.refresh();
    expect((await api.get('/devices'))['devices']).toHaveLength(1);

    const { privateKey } = (await deviceStore.readProofKey()) ?? {};
    expect(privateKey?.extractable).toBe(false);
    await expect(crypto.subtle.exportKey('jwk', privateKey as CryptoKey)).rejects.toThrow();

    // Another tab has the same key; who has copied the tokens has another, and ends nobody's session but his own.
    const copied = store.readTokens();
    if (copied === undefined) throw new Error('no tokens');
    const elsewhere = memoryStore();
    elsewhere.writeTokens(copied);
    const thief = createTokenManager({ authUrl, store: elsewhere, proofKey: openProofKey(memoryDeviceStore()), now });
    await expect(createApiClient({ baseUrl: authUrl, tokens: thief }).get('/me')).rejects.toMatchObject({
      name: 'SignedOutError',
      reason: 'proof_required',
    });
    const tab = createTokenManager({ authUrl, store, proofKey: openProofKey(deviceStore), now });
    expect(await tab.checkAndRefresh()).toBe(true);
    await tab.refresh();
    expect((await createApiClient({ baseUrl: authUrl, tokens: tab }).get('/me'))['user']).toMatchObject({
      username: person.username,
    });
    const [scheme, ...rest] = (await tab.webSocketProtocols('ws://localhost/x')) ?? [];
    expect([scheme, rest.length]).toEqual(['dpop', 2]);
    for (const each of [tokens, thief, tab]) each.close();
  });

  it.each([
    ['right', fourMinutesMs, 0],
    ['wrong, three hours ahead', 0, 45 * fourMinutesMs],
    ['wrong, three hours behind', 0, -45 * fourMinutesMs],
  ])('stay signed in where the clock is set %s between two refreshes', async (_, beforeMs, afterMs) => {
    let aheadMs = beforeMs;
    const now = (): number => Date.now() + aheadMs;
    const deviceStore = memoryDeviceStore();
    const proofKey = openProofKey(deviceStore);
    const person = someone();
    const devices = createDevices({ authUrl, store: deviceStore, proofKey, now });
    await devices.register(person);
    const tokens = createTokenManager({ authUrl, store: memoryStore(), proofKey, now });
    await tokens.signIn('login', await devices.loginBody(person));
    aheadMs = afterMs;
    const api = createApiClient({ baseUrl: authUrl, tokens });
    expect((await api.get('/devices'))['devices']).toHaveLength(1);
    await tokens.refresh();
    expect((await api.get('/devices'))['devices']).toHaveLength(1);
    tokens.close();
  });

  it('draw one key where two tabs ask at once', async () => {
    const store = memoryDeviceStore();
    const [one, other] = await Promise.all([openProofKey(store).thumbprint(), openProofKey(store).thumbprint()]);
    expect(one).toBe(other);
  });

  it('go on where a browser has repeated a request with its proof', async () => {
    const twice: typeof fetch = async (url, init) => {
      const first = await fetch(url, init);
      return (typeof url === 'string' && url.endsWith('/login')) || !first.ok ? first : fetch(url, init);
    };
    const store = memoryDeviceStore();
    const proofKey = openProofKey(store);
    const person = someone();
    const devices = createDevices({ authUrl, store, proofKey });
    await devices.register(person);
    let repeated = 0;
    const once: typeof fetch = (url, init) => {
      repeated += 1;
      return repeated % 2 === 1 ? twice(url, init) : fetch(url, init);
    };
    const tokens = createTokenManager({ authUrl, store: memoryStore(), proofKey, fetch: once });
    await tokens.signIn('login', await devices.loginBody(person));
    repeated = 0;
    await tokens.refresh();
    repeated = 0;
    expect((await createApiClient({ baseUrl: authUrl, tokens, fetch: once }).get('/me'))['user']).toBeDefined();
    tokens.close();
  });
});
