import type { RevocationFeed } from './revocation-feed.ts';

/**
 * The feeds of several issuers as one. Each speaks of its own issuer's tokens alone, so none can end another's sessions; a token of
 * an issuer without feed is active until it expires.
 * @param feeds the first is that of the issuer whose tokens need no naming (in assertions: the gateway's own)
 * @throws TypeError for none, or two of one issuer
 */
export const revocationFeeds = (feeds: readonly RevocationFeed[]): RevocationFeed => {
  const [first] = feeds;
  const byIssuer = new Map(feeds.map((feed) => [feed.issuer, feed]));
  if (first === undefined || byIssuer.size !== feeds.length)
    throw new TypeError('feeds are empty or of one issuer twice');
  const all = () => feeds.map((feed) => feed.stats());
  const sum = (name: 'entries' | 'connects' | 'failures'): number =>
    all().reduce((total, stats) => total + stats[name], 0);
  return Object.freeze<RevocationFeed>({
    issuer: first.issuer,
    isRevoked: (subject) => byIssuer.get(subject.iss)?.isRevoked(subject) ?? 'active',
    isReady: () => feeds.every((feed) => feed.isReady()),
    stats: () => ({
      entries: sum('entries'),
      connects: sum('connects'),
      failures: sum('failures'),
      ageSeconds: Math.max(...all().map(({ ageSeconds }) => ageSeconds)),
      lastFailure: all().find(({ lastFailure }) => lastFailure !== undefined)?.lastFailure,
    }),
    close: async () => void (await Promise.all(feeds.map((feed) => feed.close()))),
  });
};
