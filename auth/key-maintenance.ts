/** What the command line may do to the ring of signing keys. */
import { defaultRealm, signatureAlgorithms } from '@sallyport/contract';
import type { Sealer } from '@sallyport/kit/seal';
import type { Keys, StoredKey } from '@sallyport/storage/contracts/keys';
import type { ActContext } from '@sallyport/storage/contracts/store';
import type { AuthSettings } from './config.ts';
import { newStoredKey, publishForMs } from './tokens/key-holder.ts';
import type { AsymmetricAlgorithm } from './tokens/private-key.ts';

export const listKeys = async (keys: Keys): Promise<readonly StoredKey[]> =>
  (await Promise.all(signatureAlgorithms.map((algorithm) => keys.listKeys(defaultRealm, algorithm)))).flat();

/** Undefined: a secret, a key from a file or from the environment, or a signer elsewhere signs. */
const ringAlgorithm = (settings: AuthSettings): AsymmetricAlgorithm | undefined => {
  const { jwtAlgorithm, jwtSigner, jwtPrivateKey, jwtPrivateKeyPath, defaultPrivateKeyPath } = settings;
  if (jwtSigner !== 'store') return undefined;
  const own = jwtPrivateKey ?? jwtPrivateKeyPath ?? defaultPrivateKeyPath;
  return jwtAlgorithm === 'HS256' || own !== undefined ? undefined : jwtAlgorithm;
};

interface RotateParts {
  readonly keys: Keys;
  readonly sealer: Sealer;
  readonly context: ActContext;
}

export const rotateKeys = async (
  settings: AuthSettings,
  { keys, sealer, context }: RotateParts,
): Promise<readonly StoredKey[] | undefined> => {
  const algorithm = ringAlgorithm(settings);
  if (algorithm === undefined) return undefined;
  // A ring that no issuer has opened yet has nothing to turn away from.
  await keys.ensureCurrentKey(await newStoredKey(algorithm, sealer), context);
  return keys.ensureNextKey(await newStoredKey(algorithm, sealer), { publishForMs: publishForMs(settings), context });
};
