/**
 * Storage: small contracts, and the list of drivers that serve them. A new driver is one folder and one line here.
 * Nothing above this package knows SQL, Redis commands or a driver's name.
 */
import type { Random } from '@sallyport/kit/random';
import type { Storage } from './contracts/storage.ts';
import type { SessionTransfer, Transfer } from './contracts/transfer.ts';
import type { DumpLineOptions } from './postgres/dump-line.ts';
import type { PostgresOptions } from './postgres/index.ts';
import type { PostgresTransferOptions } from './postgres/transfer.ts';
import type { SqliteBackup, SqliteBackupOptions } from './sqlite/backup.ts';
import { openSqlite } from './sqlite/index.ts';

export type { Storage } from './contracts/storage.ts';
export type { SqliteBackup } from './sqlite/backup.ts';

/** URL scheme of `DATABASE_URL` -> driver. Whoever runs on SQLite does not load the others. */
export const drivers = {
  sqlite: openSqlite,
  postgres: async (options: PostgresOptions): Promise<Storage> =>
    (await import('./postgres/index.ts')).openPostgres(options),
} as const;

/** The same stores, opened to be carried elsewhere or into. Whoever only serves does not load them. */
export const transfers = {
  sqlite: async (options: { readonly file: string; readonly create: boolean }): Promise<Transfer> =>
    (await import('./sqlite/transfer.ts')).openSqliteTransfer(options),
  postgres: async (options: PostgresTransferOptions): Promise<Transfer> =>
    (await import('./postgres/transfer.ts')).openPostgresTransfer(options),
  redis: async (options: { readonly url: string; readonly random: Random }): Promise<SessionTransfer> =>
    (await import('./redis/transfer.ts')).openRedisTransfer(options),
} as const;

/** A backup while servers work on the store; of PostgreSQL, the line that makes one. */
export const backups = {
  sqlite: async (options: SqliteBackupOptions): Promise<SqliteBackup> =>
    (await import('./sqlite/backup.ts')).backupSqlite(options),
  postgres: async (options: DumpLineOptions): Promise<string> =>
    (await import('./postgres/dump-line.ts')).dumpLine(options),
} as const;
