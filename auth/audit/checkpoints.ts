/**
 * Signatures on the chain: Ed25519, with a key derived from the root key. The database alone cannot make one, not even with its signing
 * keys; who verifies needs the public half and no secret.
 */
import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject, sign, verify } from 'node:crypto';
import type { EpochMs } from '@sallyport/contract';
import type { NamedKey } from '@sallyport/kit/config';
import type { AuditCheckpoint, ChainHead } from '@sallyport/storage/contracts/audit';

const label = 'sallyport/audit/1/checkpoint';
/** RFC 8410 §7: PKCS #8 of an Ed25519 key, up to its 32 bytes. */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex');

export interface CheckpointKeys {
  sign(kind: AuditCheckpoint['kind'], head: ChainHead, atMs: EpochMs): AuditCheckpoint;
  /** `unknown_key`: of a root key that is not held here. */
  check(checkpoint: AuditCheckpoint): 'good' | 'forged' | 'unknown_key';
  /** PEM (SPKI) of the current root key's. */
  readonly publicPem: string;
}

/** @throws TypeError without a root key */
export const createCheckpointKeys = (roots: readonly NamedKey[]): CheckpointKeys => {
  const [current] = roots;
  if (current === undefined) throw new TypeError('checkpoints need a root key');
  const derived = new Map(roots.map((root) => [root.kid, privateKeyOf(root)]));
  const own = derived.get(current.kid);
  if (own === undefined) throw new TypeError('checkpoints need a root key');
  return {
    sign: (kind, { place, hash }, atMs) => {
      const unsigned = { kind, place, hash, atMs, keyId: current.kid };
      return { ...unsigned, signature: sign(null, signedPart(unsigned), own).toString('base64url') };
    },
    check: ({ signature, ...unsigned }) => {
      const key = derived.get(unsigned.keyId);
      if (key === undefined) return 'unknown_key';
      const isGood = verify(null, signedPart(unsigned), createPublicKey(key), Buffer.from(signature, 'base64url'));
      return isGood ? 'good' : 'forged';
    },
    publicPem: createPublicKey(own).export({ type: 'spki', format: 'pem' }).toString(),
  };
};

const privateKeyOf = ({ key }: NamedKey): KeyObject => {
  const seed = Buffer.from(hkdfSync('sha256', key, '', label, 32));
  return createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: 'der', type: 'pkcs8' });
};

const signedPart = ({ kind, place, hash, atMs, keyId }: Omit<AuditCheckpoint, 'signature'>): Buffer =>
  Buffer.from(JSON.stringify([label, kind, place, hash, atMs, keyId]));
