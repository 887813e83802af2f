/**
 * A client without a browser, with nothing but Node: registers a device at its first run, keeps its key in a file for its owner alone, and
 * logs in with proof of it. Prints the access token.
 *
 *   node examples/device-chat/clients/login.ts --issuer http://localhost:8080 --username ada --password '…' [--keys device.json]
 */
import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual, webcrypto } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

interface Device {
  readonly id: string;
  /** 32 bytes, base64url. */
  readonly key: string;
}

const label = 'sallyport/device/1';
const { values } = parseArgs({
  options: {
    issuer: { type: 'string', default: 'http://localhost:8080' },
    username: { type: 'string' },
    password: { type: 'string' },
    keys: { type: 'string' },
  },
});
const { issuer, username, password } = values;
if (username === undefined || password === undefined) fail('--username and --password are needed');
const keysFile = values.keys ?? `device-${username}.json`;

const isKnown = existsSync(keysFile);
const device = isKnown ? readDevice() : await register();
process.stdout.write(`${await login(device)}\n`);

function readDevice(): Device {
  try {
    return JSON.parse(readFileSync(keysFile, 'utf8')) as Device;
  } catch {
    return fail(`${keysFile} is damaged: remove it to register anew`);
  }
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

async function post(path: string, body: object): Promise<Readonly<Record<string, string>>> {
  const headers = { 'content-type': 'application/json' };
  const sent = { method: 'POST', headers, body: JSON.stringify(body) };
  const answer = await fetch(`${issuer}/api/auth${path}`, sent).catch(() =>
    fail(`nobody answers at ${issuer}: --issuer says where the issuer is`),
  );
  const told = (await answer.json()) as Readonly<Record<string, string>>;
  const hint = isKnown
    ? ` (with the device in ${keysFile}: remove it where the issuer has new data or the device was revoked)`
    : '';
  if (!answer.ok) fail(`${path}: ${answer.status} ${told['error'] ?? ''}${hint}`);
  return told;
}

/** docs/guides/device-exchange.md, the client's side. */
async function register(): Promise<Device> {
  const pair = (await webcrypto.subtle.generateKey('X25519', false, ['deriveBits'])) as webcrypto.CryptoKeyPair;
  const own = Buffer.from(await webcrypto.subtle.exportKey('raw', pair.publicKey));
  const begun = await post('/register-device', {
    username,
    password,
    curve: 'X25519',
    client_public_key: own.toString('base64url'),
    device_name: 'Node script',
  });
  const { device_id: id = '', server_public_key: serverKey = '', server_mac: serverMac = '' } = begun;
  const theirs = Buffer.from(serverKey, 'base64url');
  const publicKey = await webcrypto.subtle.importKey('raw', theirs, 'X25519', false, []);
  const algorithm = { name: 'X25519', public: publicKey };
  const secret = Buffer.from(await webcrypto.subtle.deriveBits(algorithm, pair.privateKey, 256));
  const parts = [label, 'X25519', own, theirs, id, username ?? ''].map((part) => Buffer.from(part as string));
  const said = createHash('sha256');
  for (const part of parts) said.update(Buffer.from(Uint32Array.of(part.length).buffer).swap32()).update(part);
  const transcriptHash = said.digest();
  const key = Buffer.from(hkdfSync('sha256', secret, transcriptHash, label, 32));
  const mac = (side: string): Buffer => createHmac('sha256', key).update(side).update(transcriptHash).digest();
  const claimed = Buffer.from(serverMac, 'base64url');
  if (claimed.length !== 32 || !timingSafeEqual(claimed, mac('server'))) fail('this is not the issuer');
  await post('/register-device/confirm', { device_id: id, client_mac: mac('client').toString('base64url') });
  const made = { id, key: key.toString('base64url') };
  writeFileSync(keysFile, `${JSON.stringify(made)}\n`, { mode: 0o600 });
  return made;
}

async function login({ id, key }: Device): Promise<string> {
  const [timestamp, nonce] = [String(Date.now()), randomBytes(16).toString('hex')];
  const mac = (text: string): string => createHmac('sha256', Buffer.from(key, 'base64url')).update(text).digest('hex');
  const answer = await post('/login', {
    ...{ username, password, device_id: id, timestamp, nonce },
    session_id: mac(`${id}:${timestamp}:${nonce}`),
    device_signature: mac(`login:${username}:${timestamp}:${nonce}`),
    device_info: `Node ${process.version}`,
  });
  return answer['access_token'] ?? fail('no access token in the answer');
}
