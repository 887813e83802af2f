/** What an effect becomes: one audit record always, and an event where somebody outside may want to know. Pure. */
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
  'key.removed': 'key_removed',
  'limit.hit': 'limit_hit',
  'audit.read': 'audit_read',
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

const eventVersion = 1;

const eventTypes: Readonly<Partial<Record<Act, string>>> = {
  'user.created': 'USER_CREATED',
  'user.deleted': 'USER_DELETED',
  'user.roles_changed': 'USER_UPDATED',
  'password.changed': 'PASSWORD_CHANGED',
  'session.started': 'SESSION_STARTED',
  'session.ended': 'SESSION_ENDED',
  'refresh.reused': 'REFRESH_REUSED',
};

/** Undefined: an act that leaves no event. */
export const eventOf = (effect: Effect): OutboxEvent | undefined => {
  const type = eventTypes[effect.act];
  if (type === undefined || effect.userId === undefined) return undefined;
  const { id: effectId, realmId, atMs, userId } = effect;
  const data = JSON.stringify(dataOf(effect, userId));
  return { effectId, realmId, atMs, type, version: eventVersion, key: userId, data };
};

const dataOf = (effect: Effect, userId: string): object => {
  if (effect.act === 'user.created') {
    return { user_id: userId, ...effect.data, created_at: new Date(effect.atMs).toISOString() };
  }
  return { user_id: userId, ...(effect.sessionId && { session_id: effect.sessionId }), ...effect.data };
};
