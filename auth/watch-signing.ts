import type { Metrics } from '@sallyport/kit/metrics';
import { type SignerFailure, type SignerName, signerFailures } from './tokens/signer.ts';

export interface SigningWatch {
  readonly onSigned: (seconds: number) => void;
  readonly onFailed: (failure: SignerFailure) => void;
}

/** Of a signer elsewhere: a key of this machine takes less than the measuring of it tells, and does not fail. */
export const watchSigning = (metrics: Metrics, signer: SignerName): SigningWatch => {
  const durations = metrics.histogram({
    name: 'signing_duration_seconds',
    help: 'What a signer took for a signature, the wait for a place and a second try included.',
    labels: ['signer'],
  });
  const failures = metrics.counter({
    name: 'signing_failures_total',
    help: 'Signatures that a signer did not give, and looks at it that failed, by reason.',
    labels: ['signer', 'reason'],
  });
  for (const reason of signerFailures) failures.inc({ signer, reason }, 0);
  const duration = durations.labels({ signer });
  return {
    onSigned: (seconds) => duration.observe(seconds),
    onFailed: ({ reason }) => failures.inc({ signer, reason }),
  };
};
