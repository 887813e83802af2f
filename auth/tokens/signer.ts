/**
 * A service that holds private keys and signs with them when asked, so that no issuer has them. What stands in the ring for such a key
 * is its name over there, sealed like a private key, with the public half beside it. Adapters stand in `signers/`.
 */
import type { KeyObject } from 'node:crypto';
import type { AsymmetricAlgorithm } from './private-key.ts';

export const signerNames = ['vault', 'kms'] as const;
export type SignerName = (typeof signerNames)[number];

export interface SignerKey {
  /** What the service calls this version of this key, and no other: it is signed with by this name. At most 2,048 characters. */
  readonly reference: string;
  readonly publicKey: KeyObject;
}

export interface SignerView {
  /** What the service would sign with now; undefined: it has nothing that may. */
  readonly newest: SignerKey | undefined;
  /** Of the references that were asked about, those that it says are deleted or disabled. What it does not say is not gone. */
  readonly gone: ReadonlySet<string>;
}

export interface SignRequest {
  readonly reference: string;
  readonly algorithm: AsymmetricAlgorithm;
  readonly input: Buffer;
  readonly signal: AbortSignal;
  /** On a connection of its own: the one before may be dead without having said so. */
  readonly fresh: boolean;
}

export interface Signer {
  readonly name: SignerName;
  /** @throws SignerFailure */
  look(references: readonly string[], signal: AbortSignal): Promise<SignerView>;
  /** Resolves to the signature as a JWS has it (RFC 7518 §3.4: R ‖ S, not DER). @throws SignerFailure */
  sign(request: SignRequest): Promise<Buffer>;
  close(): void;
}

export const signerFailures = [
  'timeout',
  'connection',
  'throttled',
  'denied',
  'unavailable',
  'malformed',
  'queue_full',
  'no_key',
] as const;
export type SignerFailureReason = (typeof signerFailures)[number];

/** For the log and the metrics: a client reads `signer_unavailable`. Holds no text of the service beyond its own short message. */
export class SignerFailure extends Error {
  override readonly name = 'SignerFailure';
  readonly reason: SignerFailureReason;

  constructor(reason: SignerFailureReason, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
  }
}
