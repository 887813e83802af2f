/**
 * The key ring: which key signs access tokens, and which keys verify them. Keys come from the environment (HS256), from a PEM of
 * the owner, from the store, where the private half lies sealed under the root key, or from a signer that keeps it. It never hands a
 * private key out.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Sealer } from '@sallyport/kit/seal';
import { hmacKeyId, joinedKeys, sharedSecrets } from '@sallyport/verify';
import type { AuthSettings } from '../config.ts';
import { createLocalHolder } from './key-holder.ts';
import { type AsymmetricAlgorithm, assertPublicHalf, readPrivateKey, SigningKeyError } from './private-key.ts';
import { type KeyRing, ringKey } from './public-ring.ts';
import { openSignerHolder, type SignerHolderOptions } from './signer-holder.ts';
import { openSigner, type SignerSettings, signerLimits } from './signers/index.ts';
import { createSigningKey } from './signing-key.ts';
import { openStoredRing, type StoredRingOptions } from './stored-ring.ts';

export interface KeyRingOptions
  extends Omit<StoredRingOptions, 'settings' | 'algorithm' | 'holder'>,
    Pick<SignerHolderOptions, 'wasRemoved' | 'onSigned' | 'onFailed'> {
  readonly sealer: Sealer;
  readonly settings: StoredRingOptions['settings'] &
    SignerSettings &
    Pick<
      AuthSettings,
      | 'keyRotationSeconds'
      | 'jwtAlgorithm'
      | 'jwtSecret'
      | 'jwtSecretPrevious'
      | 'jwtPrivateKey'
      | 'jwtPrivateKeyPath'
      | 'jwtPublicKeyPath'
      | 'defaultPrivateKeyPath'
    >;
}

/** Opens the ring that the settings name. Throws SigningKeyError with the setting that has to be mended. */
export const openKeyRing = async (options: KeyRingOptions): Promise<KeyRing> => {
  const { jwtAlgorithm: algorithm } = options.settings;
  if (algorithm === 'HS256') return sharedSecretRing(options.settings);
  const given = readGivenKey(options.settings, algorithm);
  const ring =
    given === undefined
      ? await openStoredRing({ ...options, algorithm, holder: await openHolder(options, algorithm) })
      : ownersRing(algorithm, given);
  return withSecretOfBefore(ring, options.settings);
};

const openHolder = async (options: KeyRingOptions, algorithm: AsymmetricAlgorithm) => {
  const signer = await openSigner(options.settings);
  if (signer === undefined) return createLocalHolder({ ...options, algorithm });
  return openSignerHolder({ ...options, signer, algorithm, limits: signerLimits(options.settings) });
};

const nothingToStop = async (): Promise<void> => undefined;

/** After a change from HS256: what the secret has signed goes on until it expires. */
const withSecretOfBefore = (ring: KeyRing, { jwtSecretPrevious: secret }: KeyRingOptions['settings']): KeyRing => {
  if (secret === undefined) return ring;
  const verification = joinedKeys(ring.verification, sharedSecrets([{ secret }]));
  return Object.create(ring, {
    verification: { value: verification, enumerable: true },
    algorithms: { value: [...ring.algorithms, 'HS256'], enumerable: true },
  }) as KeyRing;
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
    stop: nothingToStop,
  };
};

/** A key from a file or from the environment is rotated by its owner. */
const ownersRing = (algorithm: AsymmetricAlgorithm, key: KeyObject): KeyRing => {
  const { signing, verification, jwk, pem } = ringKey(key, algorithm);
  const set = Object.freeze({ generation: 1, keys: Object.freeze([verification]) });
  return {
    current: signing,
    verification: { current: () => set },
    algorithms: [algorithm],
    publicJwks: [jwk],
    publicPem: pem,
    stop: nothingToStop,
  };
};

const readGivenKey = (settings: KeyRingOptions['settings'], algorithm: AsymmetricAlgorithm): KeyObject | undefined => {
  // The settings refuse a signer beside a key that somebody has named; a preset's default is nobody's.
  if (settings.jwtSigner !== 'store') return undefined;
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
