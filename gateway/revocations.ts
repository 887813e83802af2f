import type { Clock } from '@sallyport/kit/clock';
import { openRevocationFeed, type RevocationFeed } from '@sallyport/verify';
import type { GatewaySettings } from './config.ts';
import { issuerOrigin } from './upstreams/open-upstreams.ts';

export interface OpenRevocationsOptions {
  readonly settings: GatewaySettings;
  readonly clock: Clock;
  readonly elapsedMs: () => number;
  readonly onChange: () => void;
}

/** Where the feed is switched off, tokens live until they expire: a warning at the start says so. */
const withoutFeed: RevocationFeed = Object.freeze({
  issuer: '',
  isRevoked: () => 'active',
  isReady: () => true,
  stats: () => ({ entries: 0, connects: 0, failures: 0, ageSeconds: 0, lastFailure: undefined }),
  close: async () => undefined,
});

const privatePortDistance = 1000;

/** Subscribes to the issuer's feed; by default on its private listener, a thousand above its public port. */
export const openRevocations = (options: OpenRevocationsOptions): RevocationFeed => {
  const { settings, clock, elapsedMs, onChange } = options;
  if (!settings.revocationFeed) return withoutFeed;
  return openRevocationFeed({
    url: `${settings.revocationFeedUrl ?? privateOrigin(issuerOrigin(settings))}/v1/revocations`,
    token: settings.revocationFeedToken ?? '',
    issuer: settings.issuer,
    maxStalenessSeconds: settings.revocationMaxStalenessSeconds,
    clock,
    elapsedMs,
    onChange,
  });
};

const privateOrigin = (origin: string): string => {
  const url = new URL(origin);
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  url.port = String(port + privatePortDistance);
  return url.origin;
};
