import type { AuthSettings } from '../config.ts';
import { createRefreshTokens, type RefreshSecret, type RefreshTokens, refreshSecretId } from './refresh-token.ts';

/** Refresh tokens under the root keys of the settings, hashed under their refresh secret where there is one. */
export const openRefreshTokens = (
  settings: Pick<AuthSettings, 'rootKeys' | 'refreshSecret' | 'refreshSecretPrevious'>,
): RefreshTokens =>
  createRefreshTokens({
    roots: settings.rootKeys.map(({ kid, key }) => ({ kid: Number(kid), key })),
    secrets: named(settings.refreshSecret),
    accepted: named(settings.refreshSecretPrevious),
  });

const named = (secret: string | undefined): readonly RefreshSecret[] =>
  secret === undefined ? [] : [{ kid: refreshSecretId(secret), key: Buffer.from(secret) }];
