import type { EpochMs, SessionId, UserId } from '@sallyport/contract';
import { defaultRealm } from '@sallyport/contract';
import { systemRandom } from '@sallyport/kit/random';
import type { Act, Effect, EffectData } from '@sallyport/storage/contracts/effects';
import { describe, expect, it } from 'vitest';
import { eventOf } from './records.ts';

const id = <T extends string>(): T => systemRandom.uuidv7(Date.now()) as T;
const userId = id<UserId>();
const sessionId = id<SessionId>();
const deviceId = id();

const effectOf = (act: Act, data?: EffectData, fields: Partial<Effect> = {}): Effect => ({
  ...{ id: id(), position: '1', version: 1, realmId: defaultRealm, act, userId, sessionId },
  ...{
    atMs: 1_790_000_000_123 as EpochMs,
    context: { requestId: 'r', actor: 'user', address: '192.0.2.1', userAgent: 'ua' },
  },
  ...(data && { data }),
  ...fields,
});
const dataOf = (effect: Effect): unknown => {
  const outcome = eventOf(effect);
  return outcome.kind === 'event' ? [outcome.event.type, JSON.parse(outcome.event.data)] : outcome;
};

describe('an act leaves', () => {
  it.each<[Act, EffectData | undefined, readonly [string, object]]>([
    [
      'user.created',
      { email: 'a@example.org', name: 'Ann' },
      ['USER_CREATED', { email: 'a@example.org', name: 'Ann', created_at: '2026-09-21T14:13:20.123Z' }],
    ],
    ['user.created', {}, ['USER_CREATED', { created_at: '2026-09-21T14:13:20.123Z' }]],
    ['user.deleted', undefined, ['USER_DELETED', {}]],
    ['user.disabled', undefined, ['USER_UPDATED', { change: 'disabled' }]],
    ['user.enabled', undefined, ['USER_UPDATED', { change: 'enabled' }]],
    [
      'user.roles_changed',
      { roles: ['admin'], permissions: [] },
      ['USER_UPDATED', { change: 'roles', roles: ['admin'], permissions: [] }],
    ],
    ['user.sessions_ended', undefined, ['SESSION_ENDED', { cause: 'logout_all' }]],
    ['password.changed', undefined, ['PASSWORD_CHANGED', { session_id: sessionId }]],
    ['session.started', { amr: ['pwd'] }, ['SESSION_STARTED', { session_id: sessionId, amr: ['pwd'] }]],
    ['session.ended', { cause: 'logout' }, ['SESSION_ENDED', { session_id: sessionId, cause: 'logout' }]],
    ['refresh.reused', { cause: 'reused' }, ['REFRESH_REUSED', { session_id: sessionId }]],
    ['device.registered', { deviceId }, ['DEVICE_REGISTERED', { device_id: deviceId }]],
    ['device.revoked', { deviceId }, ['DEVICE_REVOKED', { device_id: deviceId }]],
  ])('%s %j', (act, data, [type, members]) => {
    expect(dataOf(effectOf(act, data))).toEqual([type, { user_id: userId, ...members }]);
  });

  it('another key signs', () => {
    const data = { kid: 'k2', algorithm: 'ES256' };
    const { userId: _, ...rotated } = effectOf('key.rotated', { ...data, previousKid: 'k1' });
    expect(dataOf(rotated)).toEqual(['KEY_ROTATED', { ...data, previous_kid: 'k1' }]);
    expect(eventOf(rotated)).toMatchObject({ event: { key: 'k2' } });
    expect(dataOf({ ...rotated, data })).toEqual(['KEY_ROTATED', data]);
  });

  it('nothing of what else an effect holds', () => {
    const planted = { email: 'a@example.org', password: 'planted', token: 'planted', key: 'planted' };
    for (const act of ['user.created', 'user.deleted', 'session.started', 'user.disabled'] as const)
      expect(JSON.stringify(eventOf(effectOf(act, planted)))).not.toMatch(/planted|192\.0\.2\.1|"ua"/);
  });

  it('no event where nobody outside may want to know, or of nobody', () => {
    for (const act of ['session.refreshed', 'login.failed', 'key.added', 'user.erased'] as const)
      expect(eventOf(effectOf(act))).toEqual({ kind: 'none' });
    const { userId: _, ...ofNobody } = effectOf('session.ended', { cause: 'logout' });
    expect(eventOf(ofNobody)).toEqual({ kind: 'none' });
  });

  it('no event that does not fit its schema; what is said of it are names', () => {
    expect(eventOf(effectOf('session.ended', { cause: 'planted!' }))).toEqual({
      ...{ kind: 'unfit', type: 'SESSION_ENDED', members: ['cause'] },
    });
    expect(eventOf(effectOf('session.ended'))).toMatchObject({ members: ['cause'] });
    expect(eventOf(effectOf('user.created', { email: 'x'.repeat(256) }))).toMatchObject({ members: ['email'] });
    expect(eventOf(effectOf('device.revoked', { deviceId: 'x' }))).toMatchObject({ members: ['device_id'] });
  });
});
