import { randomBytes } from 'node:crypto';
import { openMaintenance } from '@sallyport/auth/maintenance';
import { afterAll, expect, it } from 'vitest';
import { newFolder, removeFolders } from '../testing/run.ts';
import { restoredText } from './restored-text.ts';

afterAll(removeFolders);

const newKey = (): string => randomBytes(32).toString('base64url');

/** What is said of a new store with these settings. */
const told = async (settings: Readonly<Record<string, string>>): Promise<string> => {
  const maintenance = await openMaintenance({
    SALLYPORT_DATA_DIR: newFolder(),
    SALLYPORT_ROOT_KEYS: `1:${newKey()}`,
    CSRF_KEYS: `1:${newKey()}`,
    ...settings,
  });
  try {
    return restoredText(await maintenance.markRestored(), false);
  } finally {
    await maintenance.close();
  }
};

it('names the service credentials that it has revoked: one that was revoked since would be good again', async () => {
  const settings = {
    ...{ SALLYPORT_DATA_DIR: newFolder(), SALLYPORT_ROOT_KEYS: `1:${newKey()}`, CSRF_KEYS: `1:${newKey()}` },
    JWT_ALGORITHM: 'ES256',
  };
  const maintenance = await openMaintenance(settings);
  const scopes = ['users:read'] as const;
  for (const name of ['gone', 'billing']) await maintenance.createCredential({ name, scopes });
  await maintenance.revokeCredential('gone');
  expect(restoredText(await maintenance.markRestored(), false)).toContain('Revoked the service credentials billing:');
  expect((await maintenance.listCredentials()).every(({ revokedAtMs }) => revokedAtMs !== undefined)).toBe(true);
  await maintenance.close();
});

it('promises that no token of before is accepted only where no key is left that could have signed one', async () => {
  const promise = /^No token of before is accepted/m;
  expect(await told({ JWT_ALGORITHM: 'ES256' })).toMatch(promise);
  const afterChange = await told({ JWT_ALGORITHM: 'ES256', JWT_SECRET_PREVIOUS: newKey() });
  expect(afterChange).not.toMatch(promise);
  expect(afterChange).toMatch(/^Remove JWT_SECRET_PREVIOUS before/m);
  const shared = await told({ JWT_ALGORITHM: 'HS256', JWT_SECRET: newKey(), JWT_SECRET_PREVIOUS: newKey() });
  expect(shared).toMatch(/^Give JWT_SECRET a new value before an issuer starts, and do not keep the old one as/m);
  expect(shared).toMatch(/^Remove JWT_SECRET_PREVIOUS before/m);
});
