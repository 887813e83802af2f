/**
 * Storage: small contracts, and the list of drivers that serve them. A new driver is one folder and one line here.
 * Nothing above this package knows SQL, Redis commands or a driver's name.
 */
import { openSqlite } from './sqlite/index.ts';

export type { Storage } from './contracts/storage.ts';

/** URL scheme of `DATABASE_URL` -> driver. */
export const drivers = { sqlite: openSqlite } as const;
