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
