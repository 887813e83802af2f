import { type AsymmetricAlgorithm, assertFits, SigningKeyError } from './private-key.ts';
import { publicJwk } from './public-ring.ts';
import { createSignerCalls, withinTime } from './signers/call-signer.ts';
import { openSigner, type SignerSettings, signerLimits } from './signers/index.ts';

/** Whether the signer of the settings gives a signature, which key it makes it with, and which of the references it says are gone. */
export const trySigner = async (
  settings: SignerSettings,
  algorithm: AsymmetricAlgorithm,
  references: readonly string[],
): Promise<{ readonly kid: string; readonly gone: ReadonlySet<string> }> => {
  const signer = await openSigner(settings);
  if (signer === undefined) throw new SigningKeyError('JWT_SIGNER', 'names no signer');
  const limits = signerLimits(settings);
  let failed: unknown;
  try {
    const { newest, gone } = await withinTime(limits.timeoutMs, (signal) => signer.look(references, signal));
    if (newest === undefined) throw new SigningKeyError('JWT_SIGNER', 'has no key that may sign');
    assertFits(newest.publicKey, algorithm, `the key of ${signer.name}`);
    const calls = createSignerCalls({
      ...{ signer, algorithm, ...limits },
      onSigned: () => undefined,
      onFailed: (failure) => {
        failed = failure;
      },
    });
    await calls.sign(newest.reference, newest.publicKey, Buffer.from('doctor'));
    return { kid: publicJwk(newest.publicKey, algorithm).kid, gone };
  } catch (error) {
    // What a client is told says less.
    throw failed ?? error;
  } finally {
    signer.close();
  }
};
