import type { AuthSettings } from '../config.ts';
import { createRefreshTokens, type RefreshTokens, refreshSecretId } from './refresh-token.ts';

/** Refresh tokens under the root keys of the settings, hashed under their refresh secret where there is one. */
export const openRefreshTokens = ({ rootKeys, refreshSecret }: AuthSettings): RefreshTokens =>
  createRefreshTokens({
    roots: rootKeys.map(({ kid, key }) => ({ kid: Number(kid), key })),
    secrets:
      refreshSecret === undefined ? [] : [{ kid: refreshSecretId(refreshSecret), key: Buffer.from(refreshSecret) }],
  });
