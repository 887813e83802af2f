import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jwkThumbprint } from '@sallyport/verify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { mint, problemOf, send, startGateway, startService } from './testing/rig.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const kid = jwkThumbprint(rsa.publicKey);
const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();

/** The claims of a good token under another header and signature. */
const signed = (header: Record<string, string>, make: (input: Buffer) => Buffer): string => {
  const claims = mint().split('.')[1] ?? '';
  const input = `${Buffer.from(JSON.stringify({ typ: 'at+jwt', kid, ...header })).toString('base64url')}.${claims}`;
  return `${input}.${make(Buffer.from(input)).toString('base64url')}`;
};
const rs256 = (): string => signed({ alg: 'RS256' }, (input) => sign('sha256', input, rsa.privateKey));

const statusOf = async (gateway: { port: number }, token: string) => {
  const answer = await send(gateway, '/api/v1/payments', { headers: { authorization: `Bearer ${token}` } });
  return answer.status === 200 ? 200 : problemOf(answer)['code'];
};

describe('RS256', () => {
  it('is verified with the PEM file, and nothing else is accepted beside it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gateway-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, 'public.pem');
    await writeFile(path, pem);
    const env = { JWT_ALGORITHM: 'RS256', JWT_PUBLIC_KEY_PATH: path, JWT_SECRET: undefined };
    const gateway = await startGateway(env);
    expect(await statusOf(gateway, rs256())).toBe(200);
    // The public key as an HMAC secret, and a genuine HS256 token.
    expect(await statusOf(gateway, mint({}, { kid }, pem))).toBe('token_invalid');
    expect(await statusOf(gateway, mint())).toBe('token_invalid');
  });

  it('is verified with the keys of the issuer, fetched once they are needed', async () => {
    let fetches = 0;
    const issuer = await startService((req, res) => {
      fetches += req.url === '/.well-known/jwks.json' ? 1 : 0;
      const jwk = { ...rsa.publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' };
      res.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] }));
    });
    const env = { JWT_ALGORITHM: 'RS256', JWT_SECRET: undefined, AUTH_SERVICE_URL: issuer.url };
    const gateway = await startGateway(env);
    expect(await Promise.all([1, 2, 3].map(() => statusOf(gateway, rs256())))).toEqual([200, 200, 200]);
    expect(
      await statusOf(
        gateway,
        signed({ alg: 'RS256', kid: 'other' }, () => Buffer.alloc(256)),
      ),
    ).toBe('token_invalid');
    expect(fetches).toBe(1);
    const metrics = await (await fetch(`${gateway.privateUrl}/metrics`)).text();
    expect(metrics).toContain('sallyport_gateway_jwks_refreshes_total{issuer="own",outcome="ok"} 1\n');
    expect(metrics).toContain('sallyport_gateway_jwks_refreshes_total{issuer="own",outcome="failed"} 0\n');
  });

  it('without the file refuses the start', async () => {
    const env = { JWT_ALGORITHM: 'RS256', JWT_PUBLIC_KEY_PATH: '/nonexistent.pem' };
    await expect(startGateway(env)).rejects.toThrow('JWT_PUBLIC_KEY_PATH');
  });
});
