/** A device's registration and the proof of its key at a login, by docs/guides/device-exchange.md, with WebCrypto alone. */
import { fromBase64url, toBase64url } from './base64url.ts';
import type { DeviceStore, StoredDevice } from './device-store.ts';
import { ApiError } from './errors.ts';
import type { CheckSignature } from './issuer-signature.ts';
import type { ProofKey } from './proof-key.ts';
import { randomId } from './random-id.ts';
import { readAnswer, refusal } from './read-answer.ts';
import { sdkHeader } from './sdk-header.ts';

export type DeviceCurve = 'X25519' | 'P-256';

export interface DevicesOptions {
  /** Where the issuer's routes are, for example `http://localhost:8080/api/auth`. */
  readonly authUrl: string;
  readonly store: DeviceStore;
  /** Default: X25519 where the platform has it, else P-256. */
  readonly curve?: DeviceCurve;
  /** Whether the issuer has signed a registration: `signedBy` of `@sallyport/client/issuer-signature`. Default: not asked, TLS says who answers. */
  readonly isSigned?: CheckSignature;
  /** Registers this second key as well: sessions of the device are bound to it. The token manager needs it too. */
  readonly proofKey?: ProofKey;
  /** With `proofKey`: whether a refresh without it changes nothing, for the device's whole life. Default `required`. */
  readonly refreshProof?: 'required' | 'optional';
  readonly fetch?: typeof globalThis.fetch;
  /** Milliseconds since the epoch. Default: the system clock. */
  readonly now?: () => number;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface Devices {
  /**
   * Agrees on a key with the issuer, checks that it holds the same, and keeps it. A new user name makes the account. Throws ApiError,
   * NetworkError, and Error where the other side does not hold the key or has not signed.
   */
  register(
    credentials: Credentials,
    about?: { readonly deviceName?: string; readonly displayName?: string; readonly phoneNumber?: string },
  ): Promise<{ readonly deviceId: string; readonly isNewUser: boolean }>;
  /** The body of a login with proof of the device's key, for `tokens.signIn('login', body)`. Undefined: no device of this name is registered here. */
  loginBody(credentials: Credentials, deviceInfo?: string): Promise<Readonly<Record<string, string>> | undefined>;
  isRegistered(username: string): Promise<boolean>;
  /** Forgets the key. The issuer knows the device until it is revoked. */
  forget(username: string): Promise<void>;
}

const label = 'sallyport/device/1';
const utf8 = new TextEncoder();
const subtle = globalThis.crypto.subtle;
/** As the issuer folds it: however a user name is spelled, it is one account with one device here. */
const accountOf = (username: string): string => username.normalize('NFKC').toLowerCase();

export const createDevices = (options: DevicesOptions): Devices => {
  const { store, isSigned, proofKey, refreshProof = 'required', now = Date.now } = options;
  const authUrl = options.authUrl.replace(/\/+$/, '');
  const call = readAnswer(options.fetch);

  const post = async (path: string, body: object): Promise<Readonly<Record<string, unknown>>> => {
    const [url, method] = [`${authUrl}/${path}`, 'POST'];
    const proof = await proofKey?.prove({ method, url, atMs: now() });
    const headers = { ...sdkHeader, 'content-type': 'application/json', ...(proof !== undefined && { dpop: proof }) };
    const answer = await call(url, { method, headers, body: JSON.stringify(body) });
    if (!answer.ok) throw refusal(answer);
    return answer.body;
  };

  return {
    register: async ({ username, password }, { deviceName, displayName, phoneNumber } = {}) => {
      const { curve, pair } = await drawKeys(options.curve);
      const own = new Uint8Array(await subtle.exportKey('raw', pair.publicKey));
      const begun = await post('register-device', {
        ...{ username, password, curve },
        client_public_key: toBase64url(own),
        // What is undefined does not go into JSON.
        device_name: deviceName,
        display_name: displayName,
        phone_number: phoneNumber,
        refresh_proof: proofKey && refreshProof,
      });
      const deviceId = String(begun['device_id']);
      const theirs = fromBase64url(String(begun['server_public_key']));
      const second = proofKey === undefined ? [] : [await proofKey.thumbprint(), refreshProof];
      const said = await digest(transcript([label, curve, own, theirs, deviceId, username, ...second]));
      const key = await agree(curve, pair.privateKey, theirs, said);
      const isIssuer = await subtle.verify(
        'HMAC',
        key,
        fromBase64url(String(begun['server_mac'])),
        joined([utf8.encode('server'), said]),
      );
      if (!isIssuer) throw new Error('the issuer does not hold the device key');
      if (isSigned !== undefined && !(await isSigned(fromBase64url(String(begun['server_signature'])), said)))
        throw new Error('the issuer has not signed the registration');
      const clientMac = await subtle.sign('HMAC', key, joined([utf8.encode('client'), said]));
      // Kept before it can be used: a registration whose answer is lost is a device that can log in.
      const account = accountOf(username);
      const earlier = await store.read(account);
      await store.write({ username: account, deviceId, key });
      try {
        await post('register-device/confirm', {
          device_id: deviceId,
          client_mac: toBase64url(new Uint8Array(clientMac)),
        });
      } catch (error) {
        // Refused: the device that was registered here before is still the one that can log in.
        if (error instanceof ApiError && error.status < 500 && earlier !== undefined) await store.write(earlier);
        throw error;
      }
      return { deviceId, isNewUser: begun['is_new_user'] === true };
    },
    loginBody: async (credentials, deviceInfo) => {
      const device = await store.read(accountOf(credentials.username));
      return device && proofOf(device, credentials, String(now()), deviceInfo);
    },
    isRegistered: async (username) => (await store.read(accountOf(username))) !== undefined,
    forget: (username) => store.remove(accountOf(username)),
  };
};

const proofOf = async (
  { deviceId, key, username }: StoredDevice,
  { password }: Credentials,
  timestamp: string,
  deviceInfo: string | undefined,
): Promise<Readonly<Record<string, string>>> => {
  const nonce = randomId();
  const mac = async (text: string): Promise<string> => hex(await subtle.sign('HMAC', key, utf8.encode(text)));
  return {
    ...{ username, password, device_id: deviceId, timestamp, nonce },
    session_id: await mac(`${deviceId}:${timestamp}:${nonce}`),
    device_signature: await mac(`login:${username}:${timestamp}:${nonce}`),
    ...(deviceInfo !== undefined && { device_info: deviceInfo }),
  };
};

const algorithmOf = (curve: DeviceCurve) =>
  curve === 'X25519' ? { name: 'X25519' } : { name: 'ECDH', namedCurve: 'P-256' };

const drawKeys = async (
  wanted: DeviceCurve | undefined,
): Promise<{ readonly curve: DeviceCurve; readonly pair: CryptoKeyPair }> => {
  const draw = async (curve: DeviceCurve) => ({
    curve,
    pair: (await subtle.generateKey(algorithmOf(curve), false, ['deriveBits'])) as CryptoKeyPair,
  });
  if (wanted !== undefined) return draw(wanted);
  // Older browsers do not know X25519.
  return draw('X25519').catch(() => draw('P-256'));
};

/** HKDF (RFC 5869) of the agreement; what comes out can sign and never be read. */
const agree = async (
  curve: DeviceCurve,
  privateKey: CryptoKey,
  theirs: Uint8Array<ArrayBuffer>,
  salt: Uint8Array<ArrayBuffer>,
): Promise<CryptoKey> => {
  const publicKey = await subtle.importKey('raw', theirs, algorithmOf(curve), false, []);
  const secret = await subtle.deriveBits({ ...algorithmOf(curve), public: publicKey }, privateKey, 256);
  const material = await subtle.importKey('raw', secret, 'HKDF', false, ['deriveKey']);
  const derivation = { name: 'HKDF', hash: 'SHA-256', salt, info: utf8.encode(label) };
  return subtle.deriveKey(derivation, material, { name: 'HMAC', hash: 'SHA-256', length: 256 }, false, [
    'sign',
    'verify',
  ]);
};

/** Each part after its length, 4 bytes big-endian. */
const transcript = (parts: readonly (string | Uint8Array<ArrayBuffer>)[]): Uint8Array<ArrayBuffer> =>
  joined(
    parts.flatMap((part) => {
      const bytes = typeof part === 'string' ? utf8.encode(part) : part;
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, bytes.length);
      return [length, bytes];
    }),
  );

const joined = (parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> => {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

const digest = async (bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await subtle.digest('SHA-256', bytes));

const hex = (bytes: ArrayBuffer): string =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
