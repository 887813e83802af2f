import type { Credential } from '@sallyport/auth/maintenance';
import { adminScopes, defaultRealm, type EpochMs, expandScope } from '@sallyport/contract';
import { describe, expect, it } from 'vitest';
import { credentialText, credentialView } from './credential-text.ts';
import { readLifetime } from './lifetime.ts';

const at = (ms: number) => ms as EpochMs;
const credential: Credential = {
  id: 'sp_0123456789ab',
  realmId: defaultRealm,
  name: 'billing',
  scopes: ['users:read', 'devices:write'],
  secretHash: Buffer.alloc(32, 0xab),
  createdAtMs: at(0),
};

describe('a credential as it is printed', () => {
  it('says whether it lives, until when, and when it was used', () => {
    expect(credentialText(credential, 1)).toBe(
      'sp_0123456789ab\tbilling\tlive\tusers:read,devices:write\tuntil it is revoked\tnever used\n',
    );
    const expired = { ...credential, expiresAtMs: at(1000), lastUsedAtMs: at(500) };
    expect(credentialText(expired, 1000)).toContain('\texpired\t');
    expect(credentialView(expired, 999)).toMatchObject({ state: 'live', last_used_at: '1970-01-01T00:00:00.500Z' });
    expect(credentialView({ ...expired, revokedAtMs: at(2) }, 3)).toMatchObject({ state: 'revoked' });
  });

  it('never holds the digest', () => {
    const printed = credentialText(credential, 1) + JSON.stringify(credentialView(credential, 1));
    expect(printed).not.toMatch(/abab|q6ur|171/);
  });
});

it('reads lifetimes with a unit, and no others', () => {
  expect([readLifetime('90d'), readLifetime('12h'), readLifetime('30m')]).toEqual([7_776_000, 43_200, 1800]);
  for (const text of ['', '0d', '90', '1y', '-1d', '1.5d', '9999d', '1d1h']) expect(() => readLifetime(text)).toThrow();
});

it('a star stands for the scopes of one thing, and never for all', () => {
  expect(expandScope('devices:*')).toEqual(['devices:read', 'devices:write']);
  expect(expandScope('audit:*')).toEqual(['audit:read']);
  for (const scope of adminScopes) expect(expandScope(scope)).toEqual([scope]);
  for (const text of ['*', '*:*', ':*', 'users', 'user:*', 'users:rea', 'users:read ', 'nobody:*'])
    expect(expandScope(text)).toBeUndefined();
});
