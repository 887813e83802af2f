import { revocationFeedPath } from '@sallyport/contract';
import { openRevocationFeed, type RevocationFeed, revocationFeeds } from '@sallyport/verify';
import type { GatewaySettings } from './config.ts';
import { feedOf } from './issuers/open-issuer.ts';
import { issuerFetch } from './tls/issuer-fetch.ts';
import { issuerOrigin } from './upstreams/open-upstreams.ts';

export interface OpenRevocationsOptions {
  readonly settings: GatewaySettings;
  readonly elapsedMs: () => number;
  readonly onChange: () => void;
  /** The own issuer signs with another key now. */
  readonly onKeyRemoved: () => void;
}

/** Where the feed is switched off, tokens live until they expire: a warning at the start says so. */
const withoutFeed = (issuer: string): RevocationFeed =>
  Object.freeze<RevocationFeed>({
    issuer,
    isRevoked: () => 'active',
    isReady: () => true,
    stats: () => ({ entries: 0, connects: 0, failures: 0, ageSeconds: 0, lastFailure: undefined }),
    close: async () => undefined,
  });

const privatePortDistance = 1000;

interface Source {
  readonly issuer: string;
  readonly origin: string;
  readonly token: string;
  /** Entries that are held at most. Default: as many as come. */
  readonly maxEntries?: number;
  readonly onKeyRemoved?: () => void;
  /** Default: the global one. */
  readonly fetch?: typeof globalThis.fetch;
}

/** Of an issuer that somebody else runs, and who must not fill this gateway's memory: with ids of the usual length some 200 MB. */
const maxForeignEntries = 1_000_000;

const subscribe = ({ origin, ...source }: Source, options: OpenRevocationsOptions): RevocationFeed => {
  const { settings, elapsedMs, onChange } = options;
  return openRevocationFeed({
    url: `${origin}${revocationFeedPath}`,
    ...source,
    maxStalenessSeconds: settings.revocationMaxStalenessSeconds,
    elapsedMs,
    onChange,
  });
};

/** Where the own issuer's feed is: by default on its private listener, a thousand above its public port. */
export const feedOrigin = (settings: GatewaySettings): string =>
  settings.revocationFeedUrl ?? privateOrigin(issuerOrigin(settings));

const ownFeed = (options: OpenRevocationsOptions): RevocationFeed => {
  const { settings } = options;
  const { issuer } = settings;
  if (!settings.revocationFeed) return withoutFeed(issuer);
  const origin = feedOrigin(settings);
  const fetch = issuerFetch(settings, origin);
  return subscribe(
    {
      ...{ issuer, origin },
      ...(fetch !== undefined && { fetch }),
      token: settings.revocationFeedToken ?? '',
      onKeyRemoved: options.onKeyRemoved,
    },
    options,
  );
};

/**
 * Subscribes to the feeds of all issuers that have one. Ready as the own issuer's is: while another's is silent, that one's tokens
 * are refused, and nobody else's.
 * @throws SettingsError where the file with a bearer cannot be read
 */
export const openRevocations = (options: OpenRevocationsOptions): RevocationFeed => {
  const sources = options.settings.issuers.flatMap((rule): Source[] => {
    const feed = feedOf(rule);
    return feed === undefined ? [] : [{ issuer: rule.issuer, ...feed, maxEntries: maxForeignEntries }];
  });
  const own = ownFeed(options);
  const feeds = revocationFeeds([own, ...sources.map((source) => subscribe(source, options))]);
  return sources.length === 0 ? own : Object.freeze<RevocationFeed>({ ...feeds, isReady: own.isReady });
};

const privateOrigin = (origin: string): string => {
  const url = new URL(origin);
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  url.port = String(port + privatePortDistance);
  return url.origin;
};
