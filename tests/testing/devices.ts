/** The client's side of a device's registration and login, written from docs/guides/device-exchange.md and not from the issuer's code. */
import {
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  webcrypto,
} from 'node:crypto';
import type { ProofSigner } from '@sallyport/verify/testing/proofs';
import type { Answer, Call } from './http-client.ts';
import type { Person } from './people.ts';

export type Curve = 'X25519' | 'P-256';

export interface RegisteredDevice {
  readonly id: string;
  readonly key: Buffer;
  readonly username: string;
}

/** A second key that a device brings at its registration. */
export interface SecondKey {
  readonly signer: Pick<ProofSigner, 'thumbprint' | 'prove'>;
  /** Undefined: nothing is said of it, which counts as `required`. */
  readonly refreshProof?: 'required' | 'optional';
  /** Of the issuer. */
  readonly publicUrl: string;
}

export interface BegunDevice extends RegisteredDevice {
  readonly answer: Answer;
  readonly transcriptHash: Buffer;
  readonly clientMac: string;
  readonly serverMac: string;
}

/** User names hold no `@` here, so that a person of the other tests can have a device. */
export const usernameOf = ({ email }: Person): string => email.split('@')[0] ?? '';

const algorithm = (curve: Curve) => (curve === 'X25519' ? { name: 'X25519' } : { name: 'ECDH', namedCurve: 'P-256' });

const parts = (list: readonly (string | Uint8Array)[]): Buffer =>
  Buffer.concat(
    list.flatMap((part) => {
      const bytes = typeof part === 'string' ? Buffer.from(part, 'utf8') : Buffer.from(part);
      return [Buffer.from(Uint32Array.of(bytes.length).buffer).swap32(), bytes];
    }),
  );

const macOf = (key: Uint8Array, ...messages: readonly (string | Uint8Array)[]): Buffer => {
  const hmac = createHmac('sha256', key);
  for (const message of messages) hmac.update(message);
  return hmac.digest();
};

const base = '/api/auth';

export const beginDevice = async (
  call: Call,
  credentials: { readonly username: string; readonly password: string },
  curve: Curve = 'X25519',
  extra: object = {},
  second?: SecondKey,
): Promise<BegunDevice> => {
  const pair = (await webcrypto.subtle.generateKey(algorithm(curve), false, ['deriveBits'])) as webcrypto.CryptoKeyPair;
  const publicKey = Buffer.from(await webcrypto.subtle.exportKey('raw', pair.publicKey));
  const answer = await call('POST', `${base}/register-device`, {
    body: {
      ...{ ...credentials, curve, client_public_key: publicKey.toString('base64url'), ...extra },
      ...(second?.refreshProof && { refresh_proof: second.refreshProof }),
    },
    ...(second && {
      headers: { dpop: second.signer.prove('POST', `${second.publicUrl}${base}/register-device`) },
    }),
  });
  if (answer.status !== 201) throw new Error(`expected 201, got ${answer.status}: ${answer.text}`);
  const id = String(answer.body['device_id']);
  const serverKey = Buffer.from(String(answer.body['server_public_key']), 'base64url');
  const theirs = await webcrypto.subtle.importKey('raw', serverKey, algorithm(curve), false, []);
  const derivation = { ...algorithm(curve), public: theirs };
  const secret = Buffer.from(await webcrypto.subtle.deriveBits(derivation, pair.privateKey, 256));
  const shown = second === undefined ? [] : [second.signer.thumbprint, second.refreshProof ?? 'required'];
  const said = parts(['sallyport/device/1', curve, publicKey, serverKey, id, credentials.username, ...shown]);
  const transcriptHash = createHash('sha256').update(said).digest();
  const key = Buffer.from(hkdfSync('sha256', secret, transcriptHash, 'sallyport/device/1', 32));
  return {
    answer,
    id,
    key,
    username: credentials.username,
    transcriptHash,
    clientMac: macOf(key, 'client', transcriptHash).toString('base64url'),
    serverMac: macOf(key, 'server', transcriptHash).toString('base64url'),
  };
};

/** The answer of whoever takes the issuer's place, over X25519: a right MAC under a key of his own. */
export const exchangeAsServer = (
  { username = '', client_public_key: sent = '' }: Readonly<Record<string, string>>,
  deviceId: string,
): { readonly serverPublicKey: string; readonly serverMac: string } => {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  const x = publicKey.export({ format: 'jwk' }).x ?? '';
  const theirs = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: sent }, format: 'jwk' });
  const decoded = [sent, x].map((text) => Buffer.from(text, 'base64url'));
  const said = parts(['sallyport/device/1', 'X25519', ...decoded, deviceId, username]);
  const hash = createHash('sha256').update(said).digest();
  const secret = diffieHellman({ privateKey, publicKey: theirs });
  const key = Buffer.from(hkdfSync('sha256', secret, hash, 'sallyport/device/1', 32));
  return { serverPublicKey: x, serverMac: macOf(key, 'server', hash).toString('base64url') };
};

export const confirmDevice = (call: Call, { id, clientMac }: Pick<BegunDevice, 'id' | 'clientMac'>): Promise<Answer> =>
  call('POST', `${base}/register-device/confirm`, { body: { device_id: id, client_mac: clientMac } });

export const registerDevice = async (
  call: Call,
  credentials: { readonly username: string; readonly password: string },
  curve?: Curve,
  extra?: object,
  second?: SecondKey,
): Promise<RegisteredDevice> => {
  const device = await beginDevice(call, credentials, curve, extra, second);
  const { status, text } = await confirmDevice(call, device);
  if (status !== 200) throw new Error(`expected 200, got ${status}: ${text}`);
  return device;
};

/** The body of a login; anything in it can be replaced. */
export const loginBody = (device: RegisteredDevice, password: string, given: Readonly<Record<string, string>> = {}) => {
  const { username, timestamp, nonce, device_id } = {
    username: device.username,
    timestamp: String(Date.now()),
    nonce: randomBytes(16).toString('hex'),
    device_id: device.id,
    ...given,
  };
  return {
    username,
    password,
    device_id,
    timestamp,
    nonce,
    session_id: macOf(device.key, `${device_id}:${timestamp}:${nonce}`).toString('hex'),
    device_signature: macOf(device.key, `login:${username}:${timestamp}:${nonce}`).toString('hex'),
    device_info: 'test phone',
    ip_address: '198.51.100.1',
    ...given,
  };
};

export const loginOnDevice = (
  call: Call,
  device: RegisteredDevice,
  password: string,
  given: Readonly<Record<string, string>> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> => call('POST', `${base}/login`, { body: loginBody(device, password, given), headers });
