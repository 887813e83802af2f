/** What every contestant of the gateway bench stands between: an upstream on one side, tokens on the other. */
import { type createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { feedTokenOf } from '@sallyport/auth/maintenance';
import { createCsrfTokens } from '@sallyport/kit/csrf';
import { systemRandom } from '@sallyport/kit/random';
import { issuerFolder, startIssuer } from '@sallyport/tests/prove/issuer-process';
import { jwkThumbprint } from '@sallyport/verify';
import type { Site } from './contestants.ts';

export interface OpenSite extends Site {
  /** Access tokens of different users and sessions, valid for an hour. */
  mint(count: number): readonly string[];
  /** What an unsafe request with this token needs beside it. */
  csrfHeaders(token: string): Readonly<Record<string, string>>;
  close(): Promise<void>;
}

const issuerName = 'auth-service';

/** A real issuer for keys and revocation feed. The upstream is started by the caller. */
export const openSite = async (upstreamPort: number): Promise<OpenSite> => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const folder = issuerFolder({
    JWT_ALGORITHM: 'RS256',
    PASSWORD_HASH: 'argon2id',
    JWT_PRIVATE_KEY_PATH: 'private.pem',
  });
  const privateKeyPath = join(folder.path, 'private.pem');
  const publicKeyPath = join(folder.path, 'public.pem');
  writeFileSync(privateKeyPath, privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
  writeFileSync(publicKeyPath, createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }));
  const issuer = await startIssuer({ ...folder, env: { ...folder.env, JWT_PRIVATE_KEY_PATH: privateKeyPath } });
  const { SALLYPORT_ROOT_KEYS: rootKeys = '', CSRF_KEYS = '' } = folder.env;
  const key = () => systemRandom.bytes(32).toString('base64url');
  return {
    folder: folder.path,
    upstreamPort,
    publicKeyPath,
    gatewaySettings: {
      JWT_ALGORITHM: 'RS256',
      JWT_PUBLIC_KEY_PATH: publicKeyPath,
      AUTH_SERVICE_URL: issuer.url,
      REVOCATION_FEED_URL: issuer.privateUrl,
      REVOCATION_FEED_TOKEN: feedTokenOf('bench', { SALLYPORT_ROOT_KEYS: rootKeys }),
      GATEWAY_SECRET: key(),
      GATEWAY_MASTER_KEYS: `1:${key()}`,
      CSRF_KEYS,
    },
    mint: (count) => Array.from({ length: count }, () => mintToken(privateKey)),
    csrfHeaders: (token) => {
      const [, payload = ''] = token.split('.');
      const { sid } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { readonly sid: string };
      const [kid = '', csrfKey = ''] = CSRF_KEYS.split(':');
      const keys = [{ kid: Number(kid), key: Buffer.from(csrfKey, 'base64url') }];
      const value = createCsrfTokens({ keys, random: systemRandom }).issue(sid);
      return { 'X-CSRF-Token': value, Cookie: `csrf_token=${value}`, 'Content-Type': 'application/octet-stream' };
    },
    close: async () => {
      await issuer.stop();
      folder.remove();
    },
  };
};

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const mintToken = (privateKey: ReturnType<typeof createPrivateKey>): string => {
  const now = Math.floor(Date.now() / 1000);
  const id = () => systemRandom.uuidv7(Date.now());
  const sub = id();
  const header = { alg: 'RS256', typ: 'at+jwt', kid: jwkThumbprint(createPublicKey(privateKey)) };
  const claims = {
    iss: issuerName,
    sub,
    user_id: sub,
    aud: 'sallyport',
    client_id: 'default',
    iat: now,
    nbf: now,
    exp: now + 3600,
    jti: id(),
    sid: id(),
    uep: 1,
    email: 'somebody@example.org',
    name: 'Some Body',
    roles: ['user'],
  };
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`;
};
