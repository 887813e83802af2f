import type { Maintenance } from '@sallyport/auth/maintenance';

/** An account as the store's maintenance shows it. */
export type Account = Awaited<ReturnType<Maintenance['listUsers']>>[number];
