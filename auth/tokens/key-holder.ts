/**
 * Where the private halves of a ring's keys are, and when another one is due. The ring itself (`stored-ring.ts`) is the same whoever holds
 * them: it decides what is published, for how long, and what signs.
 */
import { defaultRealm } from '@sallyport/contract';
import type { Sealer } from '@sallyport/kit/seal';
import type { NewKey, StoredKey } from '@sallyport/storage/contracts/keys';
import type { AuthSettings } from '../config.ts';
import { type AsymmetricAlgorithm, generatePrivateKey, readPrivateKey, SigningKeyError } from './private-key.ts';
import { publicJwk, type RingKey, ringKey, verifyingKey } from './public-ring.ts';

/** What a key of the ring is good for at this node: `verifies` is published and signs nothing here, `gone` is not even published. */
export type Standing = 'signs' | 'verifies' | 'gone';

export interface KeyHolder {
  /** @throws SigningKeyError where the row is not what its id says. */
  open(stored: StoredKey): RingKey;
  standing(kid: string): Standing;
  /** What is to take a place that is free; undefined: nothing is due, or there is nothing. */
  candidate(place: 'current' | 'next', stored: readonly StoredKey[], nowMs: number): Promise<NewKey | undefined>;
  stop(): Promise<void>;
}

/** Where the private half of a key is sealed for. */
export const signingKeyPlace = (kid: string) => ({ table: 'signing_keys', column: 'private_key_sealed', row: kid });

/** A fresh key, sealed for the store. */
export const newStoredKey = async (algorithm: AsymmetricAlgorithm, sealer: Sealer): Promise<NewKey> => {
  const key = await generatePrivateKey(algorithm);
  const jwk = publicJwk(key, algorithm);
  const pem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  return {
    kid: jwk.kid,
    realmId: defaultRealm,
    algorithm,
    publicJwk: JSON.stringify(jwk),
    sealedPrivateKey: sealer.seal(pem, signingKeyPlace(jwk.kid)),
  };
};

/** A verifier may have fetched the ring just before a key came, through a cache that had kept it for as long. */
export const publishForMs = ({ jwksMaxAgeSeconds }: Pick<AuthSettings, 'jwksMaxAgeSeconds'>): number =>
  2 * jwksMaxAgeSeconds * 1000;

export interface OpenedRow {
  readonly key: RingKey;
  /** What a signer calls it; undefined: the private half lies here. */
  readonly held?: { readonly signer: string; readonly reference: string };
}

const heldPrefix = 'signer:';

/** What stands in the place of a private half that somebody else holds: whose it is, and its name there. */
export const heldText = (signer: string, reference: string): string => `${heldPrefix}${signer}:${reference}`;

/**
 * Opens a row of the ring. What is sealed can be written by issuers alone and for this id alone, and the id is the key's own thumbprint: whoever
 * can write rows puts no key of his in the place of another, neither a private half nor the name of one.
 */
export const openRow = (
  { kid, sealedPrivateKey, publicJwk: jwk }: StoredKey,
  { algorithm, sealer }: { readonly algorithm: AsymmetricAlgorithm; readonly sealer: Sealer },
): OpenedRow => {
  const origin = `the stored key ${kid}`;
  const text = sealer.open(sealedPrivateKey, signingKeyPlace(kid)).toString('utf8');
  const isHeld = text.startsWith(heldPrefix);
  const key = isHeld
    ? verifyingKey(jwk, algorithm, origin)
    : ringKey(readPrivateKey(text, algorithm, origin), algorithm);
  if (key.jwk.kid !== kid) throw new SigningKeyError(origin, 'is another key');
  if (!isHeld) return { key };
  const [signer = '', ...reference] = text.slice(heldPrefix.length).split(':');
  return { key, held: { signer, reference: reference.join(':') } };
};

export interface LocalHolderOptions {
  readonly settings: Pick<AuthSettings, 'keyRotationSeconds' | 'jwksMaxAgeSeconds'>;
  readonly algorithm: AsymmetricAlgorithm;
  readonly sealer: Sealer;
}

/** The private halves lie in the store, and a key gives way after its period. One that a signer holds gives way at once. */
export const createLocalHolder = ({ settings, algorithm, sealer }: LocalHolderOptions): KeyHolder => {
  const opened = new Map<string, OpenedRow>();
  const periodMs = settings.keyRotationSeconds * 1000;
  const openOnce = (stored: StoredKey): OpenedRow => {
    const row = opened.get(stored.kid) ?? openRow(stored, { algorithm, sealer });
    opened.set(stored.kid, row);
    return row;
  };
  return {
    open: (stored) => openOnce(stored).key,
    standing: (kid) => (opened.get(kid)?.held === undefined ? 'signs' : 'verifies'),
    candidate: async (place, stored, nowMs) => {
      const [current] = stored;
      for (const kid of opened.keys()) if (stored.every((row) => row.kid !== kid)) opened.delete(kid);
      const isDue =
        place === 'current' ||
        current === undefined ||
        openOnce(current).held !== undefined ||
        (periodMs > 0 && nowMs >= current.signsFromMs + periodMs - publishForMs(settings));
      return isDue ? newStoredKey(algorithm, sealer) : undefined;
    },
    stop: async () => undefined,
  };
};
