/** What operators are shown, over the admin API and by the command line's `--json`. Never a hash, a private key or anything sealed. */
import type { User } from '@sallyport/storage/contracts/accounts';
import type { Device } from '@sallyport/storage/contracts/devices';
import type { StoredKey } from '@sallyport/storage/contracts/keys';
import type { StoredEvent } from '@sallyport/storage/contracts/outbox';
import type { Session } from '@sallyport/storage/contracts/sessions';
import type { RootKeyRemoval, RootKeyUse } from '../operations.ts';

const at = (ms: number): string => new Date(ms).toISOString();

export const userView = ({ id, email, username, name, roles, permissions, disabledAtMs, createdAtMs }: User) => ({
  id,
  ...(email !== undefined && { email }),
  ...(username !== undefined && { username }),
  ...(name !== undefined && { name }),
  roles,
  permissions,
  state: disabledAtMs === undefined ? ('enabled' as const) : ('disabled' as const),
  created_at: at(createdAtMs),
});

export const sessionView = (session: Session) => {
  const { id, createdAtMs, lastSeenAtMs, idleExpiresAtMs, absoluteExpiresAtMs, deviceId, amr } = session;
  const { address, userAgent } = session.origin();
  return {
    ...{ id, created_at: at(createdAtMs), last_seen_at: at(lastSeenAtMs), amr },
    expires_at: at(Math.min(idleExpiresAtMs, absoluteExpiresAtMs)),
    ...(deviceId !== undefined && { device_id: deviceId }),
    ...(address !== undefined && { address }),
    ...(userAgent !== undefined && { user_agent: userAgent }),
  };
};

export const deviceView = (device: Device) => {
  const { id, name, curve, createdAtMs, lastSeenAtMs, trustedUntilMs, proofKeyThumbprint } = device;
  const { address, userAgent } = device.origin();
  return {
    ...{ id, curve, created_at: at(createdAtMs), has_proof_key: proofKeyThumbprint !== undefined },
    ...(name !== undefined && { name }),
    ...(trustedUntilMs !== undefined && { trusted_until: at(trustedUntilMs) }),
    ...(lastSeenAtMs !== undefined && { last_seen_at: at(lastSeenAtMs) }),
    ...(address !== undefined && { address }),
    ...(userAgent !== undefined && { user_agent: userAgent }),
  };
};

export const keyView = ({
  kid,
  algorithm,
  state,
  publicJwk,
  createdAtMs,
  signsFromMs,
  verifiesUntilMs,
}: StoredKey) => ({
  ...{ kid, algorithm, state },
  ...heldBy(publicJwk),
  created_at: at(createdAtMs),
  signs_from: at(signsFromMs),
  ...(verifiesUntilMs !== undefined && { verifies_until: at(verifiesUntilMs) }),
});

/** As it was written down when the key came; absent: its private half lies in the store. What an issuer believes is what is sealed. */
const heldBy = (publicJwk: string): { readonly held_by?: 'vault' | 'kms' } => {
  const { signer } = JSON.parse(publicJwk) as { readonly signer?: 'vault' | 'kms' };
  return signer === undefined ? {} : { held_by: signer };
};

const sealedValues = ({ values }: RootKeyUse): number => Object.values(values).reduce((sum, count) => sum + count, 0);

/** Without it people are logged out, or something that is sealed is lost. What it has signed of the audit is said, and decides nothing. */
const isRootNeeded = (root: RootKeyUse): boolean => sealedValues(root) > 0 || root.sessions > 0;

export const rootView = (root: RootKeyUse) => ({
  ...{ kid: root.kid, state: root.state, needed: isRootNeeded(root), values: root.values, sessions: root.sessions },
  ...(root.sessionsUntilMs !== undefined && { sessions_until: at(root.sessionsUntilMs) }),
  checkpoints: root.checkpoints,
});

export const removedRootView = (removal: Extract<RootKeyRemoval, { kind: 'removed' }>) => ({
  ...{ removed: true, sessions: removal.sessions, begun_meanwhile: removal.begunMeanwhile },
  ...{ resealed: removal.resealed, unopened: removal.unopened },
});

export const eventView = (event: StoredEvent) => {
  const { effectId: id, type, version, key: user, atMs, state, tries, reason, publishedAtMs, data } = event;
  return {
    ...{ id, type, version, user, time: at(atMs), state, tries },
    ...(reason !== undefined && { reason }),
    ...(publishedAtMs !== undefined && { published_at: at(publishedAtMs) }),
    data: JSON.parse(data) as unknown,
  };
};

export type AccountView = ReturnType<typeof userView>;
export type SessionView = ReturnType<typeof sessionView>;
export type DeviceView = ReturnType<typeof deviceView>;
export type KeyView = ReturnType<typeof keyView>;
export type RootView = ReturnType<typeof rootView>;
export type RemovedRootView = ReturnType<typeof removedRootView>;
export type EventView = ReturnType<typeof eventView>;
