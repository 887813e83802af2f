import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeKeyPair } from '@sallyport/auth/maintenance';
import { compactVerify, createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { decodeToken } from '../testing/forge.ts';
import { type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, type IssuerFolder, issuerFolder, startIssuer } from '../testing/issuer.ts';
import { login, signUp } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth'];

const jwksOf = async (call: Call): Promise<JSONWebKeySet> => {
  const answer = await call('GET', '/.well-known/jwks.json');
  expect(answer.status).toBe(200);
  expect(answer.headers['cache-control']).toMatch(/^public, max-age=\d+$/);
  return answer.body as unknown as JSONWebKeySet;
};

/** What any consumer may do: verify with a foreign library against what the issuer publishes. */
const expectPublished = async (issuer: Issuer, algorithm: string): Promise<string> => {
  const call = httpClient(issuer.url);
  const { access } = await signUp(call);
  const { header } = decodeToken(access);
  expect(header).toMatchObject({ alg: algorithm, typ: 'at+jwt' });
  const jwks = await jwksOf(call);
  const [current] = jwks.keys;
  expect(current).toMatchObject({ kid: header['kid'], alg: algorithm, use: 'sig' });
  for (const key of jwks.keys) expect(Object.keys(key).filter((name) => privateMembers.includes(name))).toEqual([]);
  const options = { issuer: 'auth-service', audience: 'sallyport', typ: 'at+jwt', algorithms: [algorithm] };
  await expect(jwtVerify(access, createLocalJWKSet(jwks), options)).resolves.toBeTruthy();

  const pem = await call('GET', '/auth/public-key');
  expect([pem.status, pem.headers['content-type']]).toEqual([200, expect.stringMatching(/^application\/x-pem-file/)]);
  expect(pem.text).toMatch(/^-----BEGIN PUBLIC KEY-----\n[\s\S]+\n-----END PUBLIC KEY-----\n$/);
  await expect(compactVerify(access, createPublicKey(pem.text))).resolves.toBeTruthy();
  expect((await call('GET', '/auth/verify', { bearer: access })).status).toBe(200);
  return access;
};

const withPemFiles = (
  privateKey: KeyObject,
  type: 'pkcs1' | 'pkcs8',
): [IssuerFolder, Readonly<Record<string, string>>] => {
  const folder = issuerFolder();
  const privatePath = join(folder.path, 'private.pem');
  const publicPath = join(folder.path, 'public.pem');
  writeFileSync(privatePath, privateKey.export({ type, format: 'pem' }));
  writeFileSync(publicPath, createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }));
  const paths = { JWT_PRIVATE_KEY_PATH: privatePath, JWT_PUBLIC_KEY_PATH: publicPath };
  return [folder, { JWT_ALGORITHM: 'RS256', JWT_SECRET: '', ...paths }];
};

describe.concurrent('RS256 from PEM files', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

  it.each(['pkcs1', 'pkcs8'] as const)('signs with a key in %s', async (type) => {
    const [folder, settings] = withPemFiles(privateKey, type);
    const issuer = await startIssuer(settings, folder);
    await expectPublished(issuer, 'RS256');
    await issuer.remove();
  });

  it('signs with the pair that the command line makes, given in the environment', async () => {
    const { privatePem } = makeKeyPair('RS256');
    const settings = { JWT_ALGORITHM: 'RS256', JWT_SECRET: '', JWT_PRIVATE_KEY: privatePem.replaceAll('\n', '\\n') };
    const issuer = await startIssuer(settings);
    await expectPublished(issuer, 'RS256');
    await issuer.remove();
  });
});

describe.concurrent.each(['ES256', 'EdDSA', 'PS256'])('%s from the ring in the store', (algorithm) => {
  it('is one key over restarts, never in clear on the disk, and published', async () => {
    const settings = { JWT_ALGORITHM: algorithm, JWT_SECRET: '', JWT_ISSUER: 'auth-service' };
    const first = await startIssuer(settings);
    const access = await expectPublished(first, algorithm);
    await first.stop();
    const second = await startIssuer(settings, first.folder);
    const call = httpClient(second.url);
    expect((await call('GET', '/auth/verify', { bearer: access })).status).toBe(200);
    const again = await expectPublished(second, algorithm);
    expect(decodeToken(again).header).toEqual(decodeToken(access).header);

    const bytes = await first.folder.database.allBytes();
    expect(bytes.includes(String(decodeToken(access).header['kid']))).toBe(true);
    for (const trace of ['PRIVATE KEY', '"d":', Buffer.from('-----BEGIN PRIVATE').toString('base64url')]) {
      expect(bytes.includes(trace)).toBe(false);
    }
    await second.remove();
  });
});

describe.concurrent('HS256', () => {
  it('publishes no key', async () => {
    const issuer = await startIssuer();
    const call = httpClient(issuer.url);
    expect(await jwksOf(call)).toEqual({ keys: [] });
    expectProblem(await call('GET', '/auth/public-key'), 'no_public_key');
    await issuer.remove();
  });

  it('still takes tokens of the secret before this one, and signs with the new one', async () => {
    const first = await startIssuer();
    const ann = await signUp(httpClient(first.url));
    await first.stop();
    const previous = first.folder.settings['JWT_SECRET'] ?? '';
    const rotated = { JWT_SECRET: 'a-new-secret-of-more-than-thirty-two-bytes', JWT_SECRET_PREVIOUS: previous };
    const second = await startIssuer(rotated, first.folder);
    const call = httpClient(second.url);
    expect((await call('GET', '/auth/verify', { bearer: ann.access })).status).toBe(200);
    const fresh = await login(call, ann.person);
    expect(decodeToken(fresh.access).header['kid']).not.toBe(decodeToken(ann.access).header['kid']);
    await second.stop();

    const third = await startIssuer({ JWT_SECRET: rotated.JWT_SECRET }, first.folder);
    const lastCall = httpClient(third.url);
    expectProblem(
      await lastCall('GET', '/auth/verify', { bearer: ann.access }),
      'token_invalid',
      'Invalid or expired token',
    );
    expect((await lastCall('GET', '/auth/verify', { bearer: fresh.access })).status).toBe(200);
    await third.remove();
  });
});

describe.concurrent('authorization server metadata', () => {
  it('exists where the issuer is a URL (RFC 8414)', async () => {
    const url = 'https://auth.example.org';
    const issuer = await startIssuer({ JWT_ISSUER: url, JWT_ALGORITHM: 'ES256', JWT_SECRET: '' });
    const call = httpClient(issuer.url);
    const answer = await call('GET', '/.well-known/oauth-authorization-server');
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ issuer: url, jwks_uri: `${url}/.well-known/jwks.json` });
    const { access } = await signUp(call);
    expect(decodeToken(access).claims['iss']).toBe(url);
    await issuer.remove();
  });

  it('does not exist where it is a name', async () => {
    const issuer = await startIssuer();
    const answer = await httpClient(issuer.url)('GET', '/.well-known/oauth-authorization-server');
    expectProblem(answer, 'route_unknown', 'Route not found');
    await issuer.remove();
  });
});
