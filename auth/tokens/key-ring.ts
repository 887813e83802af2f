/**
 * The key ring: which key signs access tokens, and which keys verify them. Keys come from the environment (HS256), from a PEM of
 * the owner, or from the store, where the private half lies sealed under the root key. It never hands a private key out.
 */
import { createPublicKey, createSecretKey, type KeyObject, type webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { defaultRealm, type EpochMs, type SignatureAlgorithm } from '@sallyport/contract';
import type { Clock } from '@sallyport/kit/clock';
import type { Sealer } from '@sallyport/kit/seal';
import type { Keys, StoredKey } from '@sallyport/storage/contracts/keys';
import {
  hmacKeyId,
  joinedKeys,
  jwkThumbprint,
  type KeySource,
  publicKeysFromPem,
  sharedSecrets,
} from '@sallyport/verify';
import type { AuthSettings } from '../config.ts';
import {
  type AsymmetricAlgorithm,
  assertPublicHalf,
  generatePrivateKey,
  readPrivateKey,
  SigningKeyError,
} from './private-key.ts';
import { createSigningKey, type SigningKey } from './signing-key.ts';

/** RFC 7517 §4, public members only. */
export interface PublicJwk extends webcrypto.JsonWebKey {
  readonly kid: string;
  readonly alg: SignatureAlgorithm;
  readonly use: 'sig';
}

export interface KeyRing {
  readonly current: SigningKey;
  /** What the issuer's own verifier trusts. */
  readonly verification: KeySource;
  /** What those keys may have signed with. */
  readonly algorithms: readonly SignatureAlgorithm[];
  /** Current first. Empty with HS256: a shared secret has no public half. */
  readonly publicJwks: readonly PublicJwk[];
  /** SPKI PEM of all public keys, current first; undefined with HS256. */
  readonly publicPem: string | undefined;
}

export interface KeyRingOptions {
  readonly settings: Pick<
    AuthSettings,
    | 'jwtAlgorithm'
    | 'jwtSecret'
    | 'jwtSecretPrevious'
    | 'jwtPrivateKey'
    | 'jwtPrivateKeyPath'
    | 'jwtPublicKeyPath'
    | 'defaultPrivateKeyPath'
  >;
  readonly keys: Keys;
  readonly sealer: Sealer;
  readonly clock: Clock;
}

/** Opens the ring that the settings name. Throws SigningKeyError with the setting that has to be mended. */
export const openKeyRing = async (options: KeyRingOptions): Promise<KeyRing> => {
  const { jwtAlgorithm } = options.settings;
  if (jwtAlgorithm === 'HS256') return sharedSecretRing(options.settings);
  const given = readGivenKey(options.settings, jwtAlgorithm);
  const privateKeys = given === undefined ? await readStoredKeys(options, jwtAlgorithm) : [given];
  return withSecretOfBefore(publicRing(jwtAlgorithm, privateKeys), options.settings);
};

/** After a change from HS256: what the secret has signed goes on until it expires. */
const withSecretOfBefore = (ring: KeyRing, { jwtSecretPrevious: secret }: KeyRingOptions['settings']): KeyRing =>
  secret === undefined
    ? ring
    : {
        ...ring,
        verification: joinedKeys(ring.verification, sharedSecrets([{ secret }])),
        algorithms: [...ring.algorithms, 'HS256'],
      };

const sharedSecretRing = ({ jwtSecret, jwtSecretPrevious }: KeyRingOptions['settings']): KeyRing => {
  if (jwtSecret === undefined) throw new SigningKeyError('JWT_SECRET', 'is required');
  const secrets = [jwtSecret, ...(jwtSecretPrevious === undefined ? [] : [jwtSecretPrevious])];
  return {
    current: createSigningKey(hmacKeyId(jwtSecret), 'HS256', createSecretKey(Buffer.from(jwtSecret))),
    verification: sharedSecrets(secrets.map((secret) => ({ secret }))),
    algorithms: ['HS256'],
    publicJwks: [],
    publicPem: undefined,
  };
};

const readGivenKey = (settings: KeyRingOptions['settings'], algorithm: AsymmetricAlgorithm): KeyObject | undefined => {
  const { jwtPrivateKey, jwtPublicKeyPath, defaultPrivateKeyPath } = settings;
  const jwtPrivateKeyPath =
    settings.jwtPrivateKeyPath ?? (jwtPrivateKey === undefined ? defaultPrivateKeyPath : undefined);
  if (jwtPrivateKey === undefined && jwtPrivateKeyPath === undefined) return undefined;
  const [pem, origin] =
    jwtPrivateKeyPath === undefined
      ? [String(jwtPrivateKey).replaceAll('\\n', '\n'), 'JWT_PRIVATE_KEY']
      : [readKeyFile(jwtPrivateKeyPath, 'JWT_PRIVATE_KEY_PATH'), `JWT_PRIVATE_KEY_PATH (${jwtPrivateKeyPath})`];
  const key = readPrivateKey(pem, algorithm, origin);
  if (jwtPublicKeyPath !== undefined) {
    assertPublicHalf(
      key,
      readKeyFile(jwtPublicKeyPath, 'JWT_PUBLIC_KEY_PATH'),
      `JWT_PUBLIC_KEY_PATH (${jwtPublicKeyPath})`,
    );
  }
  return key;
};

const readKeyFile = (path: string, setting: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new SigningKeyError(
      setting,
      `names the file ${path}, which cannot be read (${reason}); make a pair with: npm run sallyport -- keys new`,
    );
  }
};

/** Where the private half of a key is sealed for. */
export const signingKeyPlace = (kid: string) => ({ table: 'signing_keys', column: 'private_key_sealed', row: kid });

/** At a first boot each node draws a candidate and the store keeps one of them; all nodes then read the same ring. */
const readStoredKeys = async (options: KeyRingOptions, algorithm: AsymmetricAlgorithm): Promise<KeyObject[]> => {
  const stored = await options.keys.listKeys(defaultRealm, algorithm);
  const ring = stored.some(({ state }) => state === 'current') ? stored : await makeFirstKey(options, algorithm);
  return ring
    .filter(({ state }) => state !== 'next')
    .map(({ kid, sealedPrivateKey }) =>
      readPrivateKey(
        options.sealer.open(sealedPrivateKey, signingKeyPlace(kid)).toString('utf8'),
        algorithm,
        `the stored key ${kid}`,
      ),
    );
};

const makeFirstKey = (options: KeyRingOptions, algorithm: AsymmetricAlgorithm): Promise<readonly StoredKey[]> => {
  const key = generatePrivateKey(algorithm);
  const kid = jwkThumbprint(createPublicKey(key));
  const pem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  const candidate: StoredKey = {
    kid,
    realmId: defaultRealm,
    algorithm,
    publicJwk: JSON.stringify(publicJwk(key, algorithm)),
    sealedPrivateKey: options.sealer.seal(pem, signingKeyPlace(kid)),
    state: 'current',
    createdAtMs: options.clock.nowMs() as EpochMs,
  };
  return options.keys.ensureCurrentKey(candidate, { requestId: 'start', actor: 'system' });
};

const publicJwk = (key: KeyObject, algorithm: AsymmetricAlgorithm): PublicJwk => {
  const publicKey = createPublicKey(key);
  return { ...publicKey.export({ format: 'jwk' }), kid: jwkThumbprint(publicKey), alg: algorithm, use: 'sig' };
};

const publicRing = (algorithm: AsymmetricAlgorithm, privateKeys: readonly KeyObject[]): KeyRing => {
  const [current] = privateKeys;
  if (current === undefined) throw new SigningKeyError('the ring', `holds no current ${algorithm} key`);
  const jwks = privateKeys.map((key) => publicJwk(key, algorithm));
  const pems = privateKeys.map((key) => createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString());
  return {
    current: createSigningKey(jwkThumbprint(createPublicKey(current)), algorithm, current),
    verification: publicKeysFromPem(pems),
    algorithms: [algorithm],
    publicJwks: jwks,
    publicPem: pems.join(''),
  };
};
