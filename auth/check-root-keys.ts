import { defaultRealm, signatureAlgorithms } from '@sallyport/contract';
import { SettingsError } from '@sallyport/kit/config';
import type { Random } from '@sallyport/kit/random';
import { createSealer, SealError, type Sealer, type SealPlace } from '@sallyport/kit/seal';
import type { Storage } from '@sallyport/storage/contracts/storage';
import { signingKeyPlace } from './tokens/key-holder.ts';

export interface CheckRootKeysOptions {
  readonly storage: Pick<Storage, 'canaries' | 'keys'>;
  readonly keys: readonly { readonly kid: string; readonly key: Uint8Array }[];
  readonly random: Random;
}

const known = 'sallyport root key';
const placeOf = (kid: string) => ({ table: 'store_meta', column: 'value', row: `root_key:${kid}` });

/**
 * Each root key leaves a sealed value in the store the first time that it is held, and opens it ever after: a key that was mistaken for another one
 * would log everybody out and write what nobody else can read. Returns a warning where the store was used with other keys alone.
 * @throws SettingsError where an id stands for another key than before
 */
export const checkRootKeys = async ({ storage, keys, random }: CheckRootKeysOptions): Promise<string | undefined> => {
  const { canaries } = storage;
  const before = await canaries.listCanaryKeys();
  const others: string[] = [];
  for (const held of keys) {
    const sealer = createSealer({ keys: [held], random });
    const place = placeOf(held.kid);
    // A store of the time before there were canaries: what is sealed in it already says whether this is the key.
    if (!before.includes(held.kid) && !(await opensRing(sealer, held.kid, storage))) {
      others.push(held.kid);
      continue;
    }
    const kept = await canaries.keepCanary(held.kid, sealer.seal(known, place));
    if (!opens(sealer, kept, place)) others.push(held.kid);
  }
  if (others.length > 0)
    throw new SettingsError([
      {
        setting: 'SALLYPORT_ROOT_KEYS',
        problem: `holds another key ${others.join(', ')} than the one that this store was used with: nothing that is sealed in it could be read, and nobody's refresh token would be known. Give the right keys, or a new one an id of its own`,
      },
    ]);
  if (before.length === 0 || keys.some(({ kid }) => before.includes(kid))) return undefined;
  return `SALLYPORT_ROOT_KEYS holds none of the keys that this store was used with (${before.join(', ')}): what is sealed under them cannot be read, and their refresh tokens are unknown`;
};

/** Whether what this key has sealed in the ring of signing keys opens; true where it has sealed nothing there. */
const opensRing = async (sealer: Sealer, kid: string, { keys }: Pick<Storage, 'keys'>): Promise<boolean> => {
  const rings = await Promise.all(signatureAlgorithms.map((algorithm) => keys.listKeys(defaultRealm, algorithm)));
  return rings
    .flat()
    .filter(({ sealedPrivateKey }) => sealedPrivateKey.split('.')[1] === kid)
    .every((key) => openedBy(sealer, key.sealedPrivateKey, signingKeyPlace(key.kid)) !== undefined);
};

const opens = (sealer: Sealer, sealed: string, place: SealPlace): boolean =>
  openedBy(sealer, sealed, place)?.toString() === known;

const openedBy = (sealer: Sealer, sealed: string, place: SealPlace): Buffer | undefined => {
  try {
    return sealer.open(sealed, place);
  } catch (error) {
    if (error instanceof SealError) return undefined;
    throw error;
  }
};
