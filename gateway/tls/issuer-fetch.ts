import { createTlsFetch } from '@sallyport/verify';
import type { GatewaySettings } from '../config.ts';

type FetchSettings = Pick<GatewaySettings, 'upstreamCaPath' | 'upstreamClientCertPath' | 'upstreamClientKeyPath'>;

/**
 * How the own issuer is asked for its keys and its feed: by the authorities that services are believed by, with the certificate
 * that is shown to them. Undefined: as everybody is, by the system's list. Issuers of somebody else are asked so too: our
 * authorities do not vouch for them, and our certificate is none of their business.
 */
export const issuerFetch = (settings: FetchSettings, url: string): typeof globalThis.fetch | undefined => {
  const { upstreamCaPath: caPath, upstreamClientCertPath: certPath, upstreamClientKeyPath: keyPath } = settings;
  if (!url.startsWith('https:') || (caPath ?? certPath) === undefined) return undefined;
  return createTlsFetch({ caPath, certPath, keyPath });
};
