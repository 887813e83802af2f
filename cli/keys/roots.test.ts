import { type RootKeyUse, rootView } from '@sallyport/auth/maintenance';
import { expect, it } from 'vitest';
import { rootsText } from './roots-text.ts';

const use = (kid: string, fields: Partial<RootKeyUse>): RootKeyUse => ({
  ...{ kid, state: 'held', sessions: 0, checkpoints: 0 },
  values: {
    'signing_keys.private_key_sealed': 0,
    'users.phone_sealed': 0,
    'devices.device_key_sealed': 0,
    'devices.origin_sealed': 0,
  },
  ...fields,
});
const phones = (count: number) => ({ values: { ...use('0', {}).values, 'users.phone_sealed': count } });
const until = Date.UTC(2027, 0, 2) as NonNullable<RootKeyUse['sessionsUntilMs']>;

it('says of each root key whether it may go, and what would be lost with it', () => {
  const roots = [
    use('3', { state: 'first', ...phones(2), sessions: 5, sessionsUntilMs: until }),
    use('2', { sessions: 1, sessionsUntilMs: until }),
    use('1', { checkpoints: 4 }),
    use('0', { state: 'missing', ...phones(1) }),
    use('9', { state: 'missing', checkpoints: 1 }),
  ];
  expect(rootsText(roots.map(rootView)).split('\n').slice(0, 5)).toEqual([
    '3     derives and seals: 2 sealed values, 5 sessions (until 2027-01-02T00:00:00.000Z), 0 audit checkpoints',
    '2     is needed: 0 sealed values, 1 sessions (until 2027-01-02T00:00:00.000Z), 0 audit checkpoints',
    '1     may go: 0 sealed values, 0 sessions, 4 audit checkpoints',
    '0     MISSING: give it back to SALLYPORT_ROOT_KEYS: 1 sealed values, 0 sessions, 0 audit checkpoints',
    '9     is not held any more: 0 sealed values, 0 sessions, 1 audit checkpoints',
  ]);
  expect(roots.map((root) => rootView(root).needed)).toEqual([true, true, false, true, false]);
  expect(rootsText(roots.map(rootView))).toContain('sf1.');
  expect(rootsText(roots.slice(0, 1).map(rootView))).not.toContain('sf1.');
});
