import { type AssertionClaims, type ErrorCode, issuerSeparator } from '@sallyport/contract';
import type { RevocationSubject } from '../access/refusal.ts';
import type { RevocationFeed } from '../revocations/revocation-feed.ts';
import type { Identity } from './identity.ts';

type Feed = Pick<RevocationFeed, 'isRevoked' | 'issuer'>;

/** An id as its own issuer writes it: without the short name that the gateway sets before ids of issuers beside its own. */
const unscoped = (id: string, tokenIssuer: string | undefined): string => {
  const at = tokenIssuer === undefined ? -1 : id.indexOf(issuerSeparator);
  return at < 0 ? id : id.slice(at + 1);
};

const subjectOf = ({ tis, sub = '', sid, uep, auth_time }: AssertionClaims, ownIssuer: string): RevocationSubject => ({
  iss: tis ?? ownIssuer,
  sub: unscoped(sub, tis),
  sid: sid === undefined ? undefined : unscoped(sid, tis),
  uep,
  // Which key signed the token, the gateway alone knows; it asks about keys itself.
  kid: '',
  // The token is no older than its login. An assertion's own `iat` would make every caller without an epoch a new one.
  iat: auth_time ?? 0,
});

type Ended = { readonly code: ErrorCode; readonly reason: string } | undefined;

const outcomes = {
  active: undefined,
  revoked: { code: 'token_revoked', reason: 'revoked' },
  stale: { code: 'token_stale', reason: 'stale' },
  unknown: { code: 'revocation_unavailable', reason: 'revocation_unknown' },
} as const satisfies Record<string, Ended>;

/** Asks the feed about a token. Undefined: it goes on. */
export const judgeToken = (feed: Pick<Feed, 'isRevoked'>, subject: RevocationSubject): Ended =>
  outcomes[feed.isRevoked(subject)];

/** The same about a caller whose assertion is good. */
export const judgeRevocation = (feed: Feed, { claims }: Identity): Ended =>
  judgeToken(feed, subjectOf(claims as AssertionClaims, feed.issuer));
