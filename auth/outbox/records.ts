/** What an effect becomes: one audit record always, and an event where somebody outside may want to know. Pure. */
import { type EventType, eventDefinitions, eventProblems } from '@sallyport/contract/events';
import { type AuditRecord, erasureEventType } from '@sallyport/storage/contracts/audit';
import type { Act, Effect } from '@sallyport/storage/contracts/effects';
import type { OutboxEvent } from '@sallyport/storage/contracts/outbox';

/** contracts/edge-gateway.md names `login`, `login_failed`, `refresh`, `revoke`; the others follow. */
const auditTypes: Readonly<Record<Act, string>> = {
  'user.created': 'register',
  'user.deleted': 'account_deleted',
  'user.disabled': 'account_disabled',
  'user.enabled': 'account_enabled',
  'user.roles_changed': 'roles_changed',
  'user.sessions_ended': 'logout_all',
  'user.erased': erasureEventType,
  'user.imported': 'account_imported',
  'password.changed': 'password_changed',
  'password.change_failed': 'password_change_failed',
  'login.failed': 'login_failed',
  'session.started': 'login',
  'session.refreshed': 'refresh',
  'session.ended': 'revoke',
  'session.adopted_ahead': 'refresh_adopted_ahead',
  'session.lost': 'session_lost',
  'refresh.reused': 'refresh_reused',
  'refresh.overlap_foreign': 'refresh_overlap_foreign',
  'device.registered': 'device_registered',
  'device.revoked': 'device_revoked',
  'key.added': 'key_added',
  'key.rotated': 'key_rotated',
  'key.expired': 'key_expired',
  'key.withdrawn': 'key_withdrawn',
  'key.removed': 'key_removed',
  'root_key.removed': 'root_key_removed',
  'limit.hit': 'limit_hit',
  'audit.read': 'audit_read',
  'events.replayed': 'events_replayed',
  'credential.created': 'credential_created',
  'credential.revoked': 'credential_revoked',
  'credential.refused': 'credential_refused',
  'admin.read': 'admin_read',
  'store.restored': 'store_restored',
};

/** Whoever logs out ends his session as whoever revokes a token does; told apart they are all the same. */
const auditTypeOf = ({ act, data }: Effect): string =>
  act === 'session.ended' && data?.['cause'] === 'logout' ? 'logout' : auditTypes[act];

export const auditRecordOf = (effect: Effect): AuditRecord => ({
  effectId: effect.id,
  realmId: effect.realmId,
  eventType: auditTypeOf(effect),
  actor: effect.context.actor,
  ...(effect.userId && { userId: effect.userId }),
  ...(effect.sessionId && { sessionId: effect.sessionId }),
  ...(typeof effect.data?.['deviceId'] === 'string' && { deviceId: effect.data['deviceId'] }),
  ...(effect.context.address && { address: effect.context.address }),
  ...(effect.context.userAgent && { userAgent: effect.context.userAgent }),
  requestId: effect.context.requestId,
  details: JSON.stringify(effect.data ?? {}),
  atMs: effect.atMs,
});

/** What of an act leaves, member by member: whatever else an effect may hold stays. */
type Leaves = (effect: Effect, userId: string) => readonly [EventType, Readonly<Record<string, unknown>>];

const leaving: Readonly<Partial<Record<Act, Leaves>>> = {
  'user.created': ({ data, atMs }, userId) => [
    'USER_CREATED',
    {
      user_id: userId,
      ...some({ email: data?.['email'], name: data?.['name'] }),
      created_at: new Date(atMs).toISOString(),
    },
  ],
  'user.deleted': (_, userId) => ['USER_DELETED', { user_id: userId }],
  'user.disabled': (_, userId) => ['USER_UPDATED', { user_id: userId, change: 'disabled' }],
  'user.enabled': (_, userId) => ['USER_UPDATED', { user_id: userId, change: 'enabled' }],
  'user.roles_changed': ({ data }, userId) => [
    'USER_UPDATED',
    { user_id: userId, change: 'roles', ...some({ roles: data?.['roles'], permissions: data?.['permissions'] }) },
  ],
  // Of all sessions: none is named.
  'user.sessions_ended': (_, userId) => ['SESSION_ENDED', { user_id: userId, cause: 'logout_all' }],
  'password.changed': ({ sessionId }, userId) => [
    'PASSWORD_CHANGED',
    { user_id: userId, ...some({ session_id: sessionId }) },
  ],
  'session.started': ({ sessionId, data }, userId) => [
    'SESSION_STARTED',
    { user_id: userId, ...some({ session_id: sessionId, amr: data?.['amr'] }) },
  ],
  'session.ended': ({ sessionId, data }, userId) => [
    'SESSION_ENDED',
    { user_id: userId, ...some({ session_id: sessionId, cause: data?.['cause'] }) },
  ],
  'refresh.reused': ({ sessionId }, userId) => [
    'REFRESH_REUSED',
    { user_id: userId, ...some({ session_id: sessionId }) },
  ],
  'device.registered': ({ data }, userId) => [
    'DEVICE_REGISTERED',
    { user_id: userId, ...some({ device_id: data?.['deviceId'] }) },
  ],
  'device.revoked': ({ data }, userId) => [
    'DEVICE_REVOKED',
    { user_id: userId, ...some({ device_id: data?.['deviceId'] }) },
  ],
  'key.rotated': ({ data }) => [
    'KEY_ROTATED',
    some({ kid: data?.['kid'], previous_kid: data?.['previousKid'], algorithm: data?.['algorithm'] }),
  ],
};

/** Whom or what an event tells of: those of one subject leave in their order. */
const subjectOf = ({ act, userId, data }: Effect): string | undefined =>
  act === 'key.rotated' ? String(data?.['kid']) : userId;

/** Absent means absent. */
const some = (members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));

export type EventOutcome =
  | { readonly kind: 'event'; readonly event: OutboxEvent }
  /** An act that nobody outside is told of. */
  | { readonly kind: 'none' }
  /** It does not fit the published schema, so it is not written: names of members, no values. */
  | { readonly kind: 'unfit'; readonly type: EventType; readonly members: readonly string[] };

export const eventOf = (effect: Effect): EventOutcome => {
  const leaves = leaving[effect.act];
  const subject = subjectOf(effect);
  if (leaves === undefined || subject === undefined) return { kind: 'none' };
  const { id: effectId, realmId, atMs } = effect;
  const [type, data] = leaves(effect, subject);
  const members = eventProblems(type, data);
  if (members.length > 0) return { kind: 'unfit', type, members };
  const { version } = eventDefinitions[type];
  return {
    kind: 'event',
    event: { effectId, realmId, atMs, type, version, key: subject, data: JSON.stringify(data) },
  };
};
