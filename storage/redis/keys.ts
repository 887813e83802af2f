/**
 * Names of keys. What one script touches has one hash tag, so that it stands in one slot of a cluster: a user's sessions, their indexes and
 * their effects in one of 64 shards; nonces, attempts and the birth mark of a realm in a slot of their own. ADR 0021.
 */
import { createHash } from 'node:crypto';
import { type DeviceId, defaultRealm, type RealmId, type SessionId, type UserId } from '@sallyport/contract';

const shardCount = 64;

/** `sp1:<realm>:{s<two digits>}:`, which all keys of a shard begin with. */
export type Shard = string & { readonly brand: 'Shard' };

const shardNumbered = (realmId: RealmId, index: number): Shard =>
  `sp1:${realmId}:{s${String(index).padStart(2, '0')}}:` as Shard;

export const shardsOf = (realmId: RealmId): readonly Shard[] =>
  Array.from({ length: shardCount }, (_, index) => shardNumbered(realmId, index));

/** The end of a UUIDv7 is random: six bits of it are as good as a hash. Where no realm is given it is the one that is served. */
export const shardOfUser = (userId: UserId, realmId: RealmId = defaultRealm): Shard =>
  shardNumbered(realmId, Number.parseInt(userId.slice(-2), 16) % shardCount);

const shardForm = /^sp1:([^:{}]+):\{s\d\d\}:$/;

export const isShard = (text: string): text is Shard => shardForm.test(text);
export const realmOfShard = (shard: Shard): RealmId => (shardForm.exec(shard)?.[1] ?? defaultRealm) as RealmId;

/** Where a session stands, for whoever knows its id alone: the value is its shard, for its whole life. */
export const placeKey = (sessionId: SessionId): string => `sp1:session-place:{${sessionId}}`;
export const sessionKey = (shard: Shard, sessionId: SessionId): string => `${shard}session:${sessionId}`;
export const userKey = (shard: Shard, userId: UserId): string => `${shard}user:${userId}`;
export const deviceKey = (shard: Shard, deviceId: DeviceId): string => `${shard}device:${deviceId}`;
/** Scripts find the shard by cutting off the name. */
export const effectsKey = (shard: Shard): string => `${shard}effects`;

/** One digest for whatever is counted or spent: no key is longer, none tells an address. */
const digest = (text: string): string => createHash('sha256').update(text).digest('base64url');

export const birthKey = (realmId: RealmId): string => `sp1:{${realmId}}:birth`;
/** Stands while sessions are being copied here. */
export const copyingKey = (realmId: RealmId): string => `sp1:{${realmId}}:copying`;
export const nonceKey = (realmId: RealmId, purpose: string, nonce: string): string =>
  `sp1:{${realmId}}:nonce:${purpose}:${digest(nonce)}`;
export const countKey = (realmId: RealmId, purpose: string, subject: string): string =>
  `sp1:{${realmId}}:count:${purpose}:${digest(subject)}`;
export const gateKey = (realmId: RealmId, purpose: string, subject: string): string =>
  `sp1:{${realmId}}:gate:${purpose}:${digest(subject)}`;
