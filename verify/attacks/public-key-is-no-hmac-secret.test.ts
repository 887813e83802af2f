import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createAccessTokenVerifier, hmacKeyId, type KeySource } from '../index.ts';
import {
  encode,
  fixedClock,
  forgeText,
  goodClaims,
  goodHeader,
  outcome,
  pemSource,
  rigs,
  rsaPem,
  rsaPublicKey,
} from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

const jwk = rsaPublicKey.export({ format: 'jwk' });
const pkcs1 = rsaPublicKey.export({ type: 'pkcs1', format: 'pem' }).toString();
const spellings: readonly (readonly [string, string | Buffer])[] = [
  ['PEM', rsaPem],
  ['PEM without the last newline', rsaPem.trimEnd()],
  ['PEM with another newline', `${rsaPem}\n`],
  ['PEM with CRLF', rsaPem.replaceAll('\n', '\r\n')],
  ['PEM body', rsaPem.replaceAll(/-----.*?-----|\n/g, '')],
  ['PKCS#1 PEM', pkcs1],
  ['PKCS#1 PEM without the last newline', pkcs1.trimEnd()],
  ['SPKI DER', rsaPublicKey.export({ type: 'spki', format: 'der' })],
  ['PKCS#1 DER', rsaPublicKey.export({ type: 'pkcs1', format: 'der' })],
  ['JWK', JSON.stringify(jwk)],
  ['JWK with a newline', `${JSON.stringify(jwk)}\n`],
  ['JWK modulus', String(jwk.n)],
  ['JWK modulus bytes', Buffer.from(String(jwk.n), 'base64url')],
];

const source = pemSource();
const kid = source.current(0).keys[0]?.kid ?? '';

const forge = (secret: string | Buffer, header: object): string => {
  const input = `${encode(JSON.stringify(header))}.${encode(JSON.stringify(goodClaims))}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
};

describe.each(spellings)('HS256 signed with the public key as %s', (_name, secret) => {
  it.each([['RS256'], ['RS256', 'HS256'], ['RS256', 'PS256', 'HS256']] as const)(
    'is refused where %s is allowed',
    (...algorithms) => {
      const issuer = {
        issuer: 'auth-service',
        audience: 'api',
        algorithms,
        keys: source,
        legacy: { allowMissingKid: true },
      };
      const verifier = createAccessTokenVerifier({ issuers: [issuer], clock: fixedClock });
      for (const each of [kid, hmacKeyId(secret), undefined]) {
        const token = forge(secret, { alg: 'HS256', typ: 'at+jwt', kid: each });
        expect(outcome(verifier.verify(token))).toBe(algorithms.length === 1 ? 'algorithm' : 'key_unknown');
      }
    },
  );
});

it('is refused also where one issuer has a secret and a key: each is bound to its own algorithm', () => {
  const both: KeySource = {
    current: () => ({ generation: 1, keys: [...source.current(0).keys, ...rigs.HS256.source.current(0).keys] }),
  };
  const algorithms = ['RS256', 'HS256'] as const;
  const issuer = { issuer: 'auth-service', audience: 'api', algorithms, keys: both };
  const verifier = createAccessTokenVerifier({ issuers: [issuer], clock: fixedClock });
  expect(outcome(verifier.verify(forge(rsaPem, { alg: 'HS256', typ: 'at+jwt', kid })))).toBe('key_unknown');
  expect(outcome(verifier.verify(forge(rsaPem, { alg: 'HS256', typ: 'at+jwt', kid: rigs.HS256.kid })))).toBe(
    'signature',
  );
  const confused = { ...goodHeader(rigs.HS256), alg: 'RS256' };
  expect(outcome(verifier.verify(forgeText(rigs.HS256, JSON.stringify(confused), JSON.stringify(goodClaims))))).toBe(
    'key_unknown',
  );
});

it('is known to be able to fail: keys bound to no algorithm and taken as bytes let it through', async () => {
  await withSabotage(
    [
      { file: 'access/verify-access-token.ts', find: '&& key.algorithms.includes(alg)', replace: '' },
      {
        file: 'jws/signature.ts',
        find: "createHmac('sha256', key)",
        replace: "createHmac('sha256', key.export({ type: 'spki', format: 'pem' }) as string)",
      },
    ],
    (broken) => {
      const issuer = { issuer: 'auth-service', audience: 'api', algorithms: ['RS256', 'HS256'] as const, keys: source };
      const verifier = broken.createAccessTokenVerifier({ issuers: [issuer], clock: fixedClock });
      expect(verifier.verify(forge(rsaPem, { alg: 'HS256', typ: 'at+jwt', kid }))).toMatchObject({ ok: true });
    },
  );
});
