/**
 * What the tests of this package share: one signer for each algorithm, and a forge that writes any token, right or wrong.
 * Nothing here is part of the package.
 */
import { constants, createHmac, createSecretKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { SignatureAlgorithm } from '@sallyport/contract';
import {
  type AccessTokenVerifier,
  type AccessTokenVerifierOptions,
  createAccessTokenVerifier,
  hmacKeyId,
  type KeySource,
  publicKeysFromPem,
  type RefusalReason,
  sharedSecrets,
  staticJwks,
  type TrustedIssuer,
  type Verification,
} from '../index.ts';

export const nowSeconds = 1_800_000_000;
export const fixedClock = { nowMs: (): number => nowSeconds * 1000 };
export const secret = 'a shared secret of more than thirty-two bytes';

export interface Rig {
  readonly alg: SignatureAlgorithm;
  readonly kid: string;
  readonly source: KeySource;
  /** What verifies, for `jose`. */
  readonly key: KeyObject;
  sign(input: string): Buffer;
}

const publicRig = (
  alg: SignatureAlgorithm,
  pair: { privateKey: KeyObject; publicKey: KeyObject },
  signInput: (input: Buffer, key: KeyObject) => Buffer,
): Rig => {
  const source = staticJwks({ keys: [{ ...pair.publicKey.export({ format: 'jwk' }), alg }] });
  const kid = source.current(0).keys[0]?.kid ?? '';
  return { alg, kid, source, key: pair.publicKey, sign: (input) => signInput(Buffer.from(input), pair.privateKey) };
};

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');

export const rigs: Readonly<Record<SignatureAlgorithm, Rig>> = {
  HS256: {
    alg: 'HS256',
    kid: hmacKeyId(secret),
    source: sharedSecrets([{ secret }]),
    key: createSecretKey(Buffer.from(secret)),
    sign: (input) => createHmac('sha256', secret).update(input).digest(),
  },
  RS256: publicRig('RS256', rsa, (input, key) => sign('sha256', input, key)),
  PS256: publicRig('PS256', rsa, (input, key) =>
    sign('sha256', input, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }),
  ),
  ES256: publicRig('ES256', ec, (input, key) => sign('sha256', input, { key, dsaEncoding: 'ieee-p1363' })),
  EdDSA: publicRig('EdDSA', ed, (input, key) => sign(null, input, key)),
};

export const rsaPem: string = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();
export const rsaPublicKey: KeyObject = rsa.publicKey;
export const pemSource = (): KeySource => publicKeysFromPem(rsaPem);

export type Json = Readonly<Record<string, unknown>>;

export const goodClaims: Json = {
  iss: 'auth-service',
  sub: '0192f0c1-2b3c-7d4e-8f50-112233445566',
  aud: 'api',
  client_id: 'web',
  iat: nowSeconds - 60,
  nbf: nowSeconds - 60,
  exp: nowSeconds + 840,
  jti: '0192f0c1-2b3c-7d4e-8f50-665544332211',
  sid: '0192f0c1-2b3c-7d4e-8f50-aabbccddeeff',
  uep: 3,
  email: 'ann@example.com',
  name: 'Ann Ünal',
  roles: ['user', 'admin'],
  permissions: ['a:read'],
  amr: ['pwd'],
  auth_time: nowSeconds - 60,
};

export const goodHeader = (rig: Rig): Json => ({ alg: rig.alg, typ: 'at+jwt', kid: rig.kid });

export const encode = (text: string): string => Buffer.from(text).toString('base64url');

/** A token of any two texts, signed by the rig. */
export const forgeText = (rig: Rig, header: string, payload: string): string => {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${rig.sign(input).toString('base64url')}`;
};

/** A good token with some members changed; a member given as undefined is left out. */
export const mint = (rig: Rig, claims: Json = {}, header: Json = {}): string =>
  forgeText(rig, JSON.stringify({ ...goodHeader(rig), ...header }), JSON.stringify({ ...goodClaims, ...claims }));

export const issuerOf = (rig: Rig): TrustedIssuer => ({
  issuer: 'auth-service',
  audience: 'api',
  algorithms: [rig.alg],
  keys: rig.source,
});

export const verifierOf = (
  rig: Rig,
  issuer: Partial<TrustedIssuer> = {},
  options: Partial<AccessTokenVerifierOptions> = {},
): AccessTokenVerifier =>
  createAccessTokenVerifier({ issuers: [{ ...issuerOf(rig), ...issuer }], clock: fixedClock, ...options });

/** For verifiers whose keys are at hand. */
export const now = (verification: Verification | Promise<Verification>): Verification => {
  if (verification instanceof Promise) throw new Error('The verifier went to fetch');
  return verification;
};

/** `ok`, or the reason of the refusal. */
export const outcome = (verification: Verification | Promise<Verification>): RefusalReason | 'ok' => {
  const settled = now(verification);
  return settled.ok ? 'ok' : settled.reason;
};
