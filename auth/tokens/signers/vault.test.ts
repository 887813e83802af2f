import { createPrivateKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { AsymmetricAlgorithm } from '../private-key.ts';
import { assertFits } from '../private-key.ts';
import type { Signer } from '../signer.ts';
import { isOpenBaoMissing, type OpenBaoServer, startOpenBao } from '../testing/start-signers.ts';
import { openVault, type VaultOptions } from './vault.ts';

const none = new AbortController().signal;
const input = Buffer.from('eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ');
const types: Readonly<Record<AsymmetricAlgorithm, string>> = {
  ES256: 'ecdsa-p256',
  EdDSA: 'ed25519',
  RS256: 'rsa-2048',
  PS256: 'rsa-2048',
};

const isSignature = (
  algorithm: AsymmetricAlgorithm,
  { publicKey }: { readonly publicKey: KeyObject },
  signature: Buffer,
) =>
  verify(
    algorithm === 'EdDSA' ? null : 'sha256',
    input,
    {
      key: publicKey,
      dsaEncoding: 'ieee-p1363',
      ...(algorithm === 'PS256' && { padding: 6, saltLength: 32 }),
    },
    signature,
  );

describe.skipIf(isOpenBaoMissing())('a key of the transit engine of OpenBao', () => {
  let bao: OpenBaoServer;
  beforeAll(async () => {
    bao = await startOpenBao();
    const policy = ['ES256', 'EdDSA', 'RS256', 'PS256', 'turned']
      .map(
        (key) => `path "transit/keys/${key}" { capabilities = ["read"] }
path "transit/sign/${key}" { capabilities = ["update"] }`,
      )
      .join('\n');
    await bao.call('POST', 'sys/policies/acl/issuer', { policy });
  });
  afterAll(() => bao.stop());

  const open = (key: string, given: Partial<VaultOptions> = {}): Signer => {
    const signer = openVault({
      address: bao.address,
      ca: readFileSync(bao.caPath, 'utf8'),
      mount: 'transit',
      key,
      auth: { kind: 'token', token: bao.rootToken },
      sockets: 4,
      ...given,
    });
    onTestFinished(() => signer.close());
    return signer;
  };

  const signed = async (signer: Signer, algorithm: AsymmetricAlgorithm): Promise<boolean> => {
    const { newest } = await signer.look([], none);
    if (newest === undefined) throw new Error('no key');
    assertFits(newest.publicKey, algorithm, 'it');
    const { reference } = newest;
    return isSignature(
      algorithm,
      newest,
      await signer.sign({ reference, algorithm, input, signal: none, fresh: false }),
    );
  };

  const tokensOfRole = async (): Promise<readonly { accessor: string; last_renewal?: string }[]> => {
    const listed = await bao.call('GET', 'auth/token/accessors?list=true');
    const found = [];
    for (const accessor of (listed.body['data'] as { keys: readonly string[] }).keys) {
      const { body } = await bao.call('POST', 'auth/token/lookup-accessor', { accessor });
      const data = body['data'] as { accessor: string; path: string; last_renewal?: string };
      if (data.path === 'auth/approle/login') found.push(data);
    }
    return found;
  };

  it.each(Object.keys(types) as AsymmetricAlgorithm[])('signs %s as a JWS has it', async (algorithm) => {
    await bao.call('POST', `transit/keys/${algorithm}`, { type: types[algorithm] });
    await expect(signed(open(algorithm), algorithm)).resolves.toBe(true);
  });

  it('signs with the version that was asked for, and says of one below the least that it is gone', async () => {
    await bao.call('POST', 'transit/keys/turned', { type: 'ecdsa-p256' });
    const signer = open('turned');
    const { newest: first } = await signer.look([], none);
    await bao.call('POST', 'transit/keys/turned/rotate');
    const { newest: second, gone } = await signer.look(['transit/turned:1'], none);
    expect([first?.reference, second?.reference, gone.size]).toEqual(['transit/turned:1', 'transit/turned:2', 0]);
    if (first === undefined) throw new Error('no key');
    const asked = { reference: first.reference, algorithm: 'ES256', input, signal: none, fresh: true } as const;
    expect(isSignature('ES256', first, await signer.sign(asked))).toBe(true);
    await bao.call('POST', 'transit/keys/turned/config', { min_decryption_version: 2, min_encryption_version: 2 });
    const others = ['transit/turned:1', 'transit/turned:2', 'transit/another:1'];
    expect([...(await signer.look(others, none)).gone]).toEqual(['transit/turned:1']);
    await expect(signer.sign(asked)).rejects.toMatchObject({ name: 'SignerFailure' });
  });

  it('logs in by AppRole with no more rights than it needs, renews its token, and logs in anew when that was revoked', async () => {
    await bao.call('POST', 'transit/keys/ES256', { type: 'ecdsa-p256' });
    await bao.call('POST', 'sys/auth/approle', { type: 'approle' });
    await bao.call('POST', 'auth/approle/role/issuer', {
      token_policies: 'issuer',
      token_ttl: '60s',
      token_max_ttl: '1h',
    });
    const { body: role } = await bao.call('GET', 'auth/approle/role/issuer/role-id');
    const { body: secret } = await bao.call('POST', 'auth/approle/role/issuer/secret-id');
    const roleId = String((role['data'] as Record<string, string>)['role_id']);
    const secretId = String((secret['data'] as Record<string, string>)['secret_id']);
    let elapsedMs = 0;
    const nowMs = () => elapsedMs;
    const signer = open('ES256', { auth: { kind: 'approle', mount: 'approle', roleId, secretId }, nowMs });
    await expect(signed(signer, 'ES256')).resolves.toBe(true);
    // Renewed, not got anew: there is one token of that role, and its life has begun again.
    const before = await tokensOfRole();
    elapsedMs += 45_000;
    await expect(signed(signer, 'ES256')).resolves.toBe(true);
    const after = await tokensOfRole();
    expect([before.length, after.map(({ accessor }) => accessor)]).toEqual([1, before.map(({ accessor }) => accessor)]);
    expect(after[0]?.last_renewal).toBeDefined();
    await bao.call('POST', 'sys/leases/revoke-prefix/auth/approle/login');
    await expect(signed(signer, 'ES256')).resolves.toBe(true);
    const wrong = open('ES256', { auth: { kind: 'approle', mount: 'approle', roleId, secretId: 'wrong' } });
    await expect(wrong.look([], none)).rejects.toMatchObject({ reason: 'denied' });
  });

  it('logs in with the token of a service account, and reads a token file again when its token is refused', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-jwt-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    await bao.call('POST', 'transit/keys/EdDSA', { type: 'ed25519' });
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' });
    await bao.call('POST', 'sys/auth/jwt', { type: 'jwt' });
    await bao.call('POST', 'auth/jwt/config', { jwt_validation_pubkeys: [pem] });
    const bound = { bound_audiences: ['bao'], user_claim: 'sub', role_type: 'jwt', token_policies: 'issuer' };
    await bao.call('POST', 'auth/jwt/role/issuer', bound);
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const exp = Math.floor(Date.now() / 1000) + 600;
    const text = `${part({ alg: 'ES256' })}.${part({ sub: 'issuer', aud: 'bao', nbf: exp - 700, exp })}`;
    const made = sign('sha256', Buffer.from(text), {
      key: createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })),
      dsaEncoding: 'ieee-p1363',
    });
    const jwtPath = join(folder, 'jwt');
    writeFileSync(jwtPath, `${text}.${made.toString('base64url')}\n`);
    const pod = open('EdDSA', { auth: { kind: 'kubernetes', mount: 'jwt', role: 'issuer', jwtPath } });
    await expect(signed(pod, 'EdDSA')).resolves.toBe(true);

    const path = join(folder, 'token');
    writeFileSync(path, 'not-a-token');
    const signer = open('EdDSA', { auth: { kind: 'token-file', path } });
    await expect(signer.look([], none)).rejects.toMatchObject({ reason: 'denied' });
    writeFileSync(path, `${bao.rootToken}\n`);
    await expect(signed(signer, 'EdDSA')).resolves.toBe(true);
  });

  it('tells a quota, a seal, a certificate of somebody else and a key that is not there apart', async () => {
    await bao.call('POST', 'transit/keys/ES256', { type: 'ecdsa-p256' });
    await expect(open('nowhere').look([], none)).rejects.toMatchObject({ reason: 'no_key' });
    const { ca: _, ...stranger } = { address: bao.address, mount: 'transit', key: 'ES256', sockets: 1, ca: '' };
    const blind = openVault({ ...stranger, auth: { kind: 'token', token: bao.rootToken } });
    await expect(blind.look([], none)).rejects.toMatchObject({ reason: 'connection' });
    await bao.call('POST', 'sys/quotas/rate-limit/few', { path: 'transit/', rate: 1, interval: '1h' });
    const signer = open('ES256');
    await signer.look([], none).catch(() => undefined);
    await expect(signer.look([], none)).rejects.toMatchObject({ reason: 'throttled' });
    await bao.call('DELETE', 'sys/quotas/rate-limit/few');
    await bao.call('POST', 'sys/seal');
    await expect(signer.look([], none)).rejects.toMatchObject({ reason: 'unavailable' });
    await bao.unseal();
    await expect(signed(signer, 'ES256')).resolves.toBe(true);
  });
});
