/**
 * Who may read the revocation feed: a bearer per subscriber, derived from the root keys (HKDF label feed), so that nothing has to be
 * stored and one subscriber's token opens nothing else. Form: `sf1.<kid>.<subscriber>.<mac>`.
 */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { NamedKey } from '@sallyport/kit/config';

const label = 'sallyport/feed/1';
const tokenForm = /^sf1\.(\d{1,5})\.([a-z0-9][a-z0-9-]{0,62})\.([A-Za-z0-9_-]{43})$/;
export const subscriberForm = /^[a-z0-9][a-z0-9-]{0,62}$/;

const macOf = ({ key }: NamedKey, subscriber: string): Buffer =>
  createHmac('sha256', Buffer.from(hkdfSync('sha256', key, '', label, 32)))
    .update(subscriber)
    .digest();

/** The token of a subscriber, under the current root key. @throws TypeError for a name that is not lower-case letters, digits, `-` */
export const feedToken = (subscriber: string, [root]: readonly NamedKey[]): string => {
  if (!subscriberForm.test(subscriber))
    throw new TypeError('a subscriber is named by lower-case letters, digits and -');
  if (root === undefined) throw new TypeError('feed tokens need a root key');
  return `sf1.${root.kid}.${subscriber}.${macOf(root, subscriber).toString('base64url')}`;
};

/** The subscriber that the token was made for, under any root key that is held; undefined: not one of ours. */
export const subscriberOf = (token: string, roots: readonly NamedKey[]): string | undefined => {
  const [, kid, subscriber = '', mac = ''] = tokenForm.exec(token) ?? [];
  const root = roots.find((held) => held.kid === kid);
  const given = Buffer.from(mac, 'base64url');
  if (root === undefined || given.toString('base64url') !== mac) return undefined;
  return timingSafeEqual(macOf(root, subscriber), given) ? subscriber : undefined;
};
