import type { Metrics } from './metrics.ts';

/**
 * Registers the moment at which the first of all certificates that a server shows expires, once there is one.
 * @returns takes when another one does, in milliseconds since 1970
 */
export const watchCertificates = (metrics: Pick<Metrics, 'gauge'>): ((expiresAtMs: () => number) => void) => {
  const watched: (() => number)[] = [];
  return (expiresAtMs) => {
    watched.push(expiresAtMs);
    if (watched.length > 1) return;
    metrics.gauge({
      name: 'tls_certificate_expiry_timestamp_seconds',
      help: 'When the first of the TLS certificates in use expires, or one that vouches for it: seconds since 1970.',
      together: 'min',
      collect: () => Math.min(...watched.map((of) => of())) / 1000,
    });
  };
};
