/** A backup of the store that the settings name, while issuers work on it; and what has to be kept beside it. */
import { backups, type SqliteBackup } from '@sallyport/storage';
import type { AuthSettings } from './config.ts';
import { loadAuthSettings } from './load-settings.ts';
import { sqliteFile } from './open-store.ts';
import { postgresTargets } from './settings/database.ts';

export type Backup = (
  | ({ readonly kind: 'sqlite' } & SqliteBackup)
  /** Nothing was done: PostgreSQL brings its own tool. */
  | { readonly kind: 'postgres'; readonly command: string }
) & {
  /** Settings whose values the backup is worth nothing, or less, without. */
  readonly keep: readonly string[];
  readonly isRedisApart: boolean;
};

export interface BackupOptions {
  readonly to: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  onProgress(pages: { readonly copied: number; readonly total: number }): void;
}

/** @throws SettingsError, or Error with a reason that may be shown */
export const backupStore = async ({ to, env, onProgress }: BackupOptions): Promise<Backup> => {
  const { settings } = loadAuthSettings({ env });
  const beside = {
    keep: keptBeside(settings),
    isRedisApart:
      settings.redisRole === 'store' && (settings.redisUrl !== undefined || settings.redisAddr !== undefined),
  };
  const targets = postgresTargets(settings);
  if (targets === undefined)
    return { kind: 'sqlite', ...(await backups.sqlite({ file: sqliteFile(settings), to, onProgress })), ...beside };
  const { databaseSchema: schema, databaseCaPath: caPath } = settings;
  return { kind: 'postgres', command: await backups.postgres({ ...targets, schema, caPath, to }), ...beside };
};

const keptBeside = (settings: AuthSettings): readonly string[] =>
  [
    ['SALLYPORT_ROOT_KEYS', settings.rootKeys],
    ['CSRF_KEYS', settings.csrfKeys],
    ['REFRESH_SECRET', settings.refreshSecret],
    ['REFRESH_SECRET_PREVIOUS', settings.refreshSecretPrevious],
    ['JWT_SECRET', settings.jwtSecret],
    ['JWT_PRIVATE_KEY', settings.jwtPrivateKey],
    ['JWT_PRIVATE_KEY_PATH', settings.jwtPrivateKeyPath],
  ].flatMap(([name, value]) => (typeof name !== 'string' || value === undefined ? [] : [name]));
