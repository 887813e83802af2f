import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findSecrets } from './secrets.ts';

let root = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sallyport-secrets-'));
  execFileSync('git', ['init', '-q'], { cwd: root });
});

afterEach(() => rm(root, { recursive: true }));

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, file)), { recursive: true });
  await writeFile(join(root, file), text);
}

/** Made here, so that this file holds none. */
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
const random = (length: number) => randomBytes(length).toString('hex').slice(0, length);

test.each([
  ['private key (PEM)', 'keys/private.key', pem],
  ['private key (PEM)', 'source.ts', `const key = ${JSON.stringify(pem)};`],
  ['private key (JWK)', 'key.json', JSON.stringify(privateKey.export({ format: 'jwk' }), null, 2)],
  ['token of AWS', 'a.md', `AKIA${random(16).toUpperCase()}`],
  ['token of GitHub', 'a.md', `ghp_${random(36)}`],
  ['token of npm', '.npmrc', `//registry.npmjs.org/:_authToken=npm_${random(36)}`],
  ['token of Slack', 'a.md', `xoxb-${random(24)}`],
  ['token of Stripe', 'a.md', `sk_live_${random(24)}`],
  ['value of a secret setting', 'compose.yaml', `  JWT_SECRET: ${random(32)}`],
  ['value of a secret setting', 'config.ts', `const a = { GATEWAY_SECRET: '${random(32)}' };`],
  ['environment file', 'service/.env', 'PORT=1'],
])('a planted %s is found in %s', async (kind, file, text) => {
  await write(file, text);
  expect(findSecrets(root)).toEqual([{ file, line: 1, kind }]);
});

test('the line is named', async () => {
  await write('a.txt', `one\ntwo\n${pem}`);
  expect(findSecrets(root)).toEqual([{ file: 'a.txt', line: 3, kind: 'private key (PEM)' }]);
});

test('code that speaks of secrets, public keys and ignored files is left alone', async () => {
  await write('.gitignore', 'keys/');
  await write('keys/private.pem', pem);
  await write('read.ts', `const header = '-----BEGIN PRIVATE KEY-----';\nconst secret = environment['JWT_SECRET'];`);
  await write('public.json', JSON.stringify({ kty: 'EC', crv: 'P-256', x: random(43), y: random(43) }));
  await write('.env.example', 'JWT_SECRET=\n');
  expect(findSecrets(root)).toEqual([]);
});
