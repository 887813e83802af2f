import type { Revocations } from '../../contracts/revocations.ts';
import type { Driver } from '../driver.ts';
import { listed, revocationColumns, revocationFromRow } from '../rows.ts';

export const revocations = (
  { schema: s, lifetimeMs, read, revoke }: Driver,
  onWrite: Revocations['onWrite'],
): Revocations => {
  const columns = listed(revocationColumns);
  const page = `SELECT ${columns} FROM ${s}.revocations WHERE position > $1 ORDER BY position LIMIT $2`;
  const livePage = `SELECT ${columns} FROM ${s}.revocations WHERE position > $1 AND expires_at_ms > ${s}.now_ms()
    ORDER BY position LIMIT $2`;
  const last = `SELECT position FROM ${s}.revocation_head`;
  // The time is asked once: an index can be used.
  const count = `SELECT (SELECT count(*) FROM ${s}.revocations WHERE expires_at_ms > t.now) AS live,
    (SELECT count(*) FROM ${s}.revocations WHERE expires_at_ms <= t.now) AS expired
    FROM (SELECT ${s}.now_ms() AS now OFFSET 0) t`;
  const tidy = `SELECT expired, folded, users FROM ${s}.tidy_revocations($1, $2)`;
  const incarnation = `SELECT value FROM ${s}.store_meta WHERE key = 'incarnation'`;
  return {
    readRevocations: async (afterPosition, limit) => (await read(page, afterPosition, limit)).map(revocationFromRow),
    readLiveRevocations: async (afterPosition, limit) =>
      (await read(livePage, afterPosition, limit)).map(revocationFromRow),
    lastRevocationPosition: async () => Number((await read(last))[0]?.['position']),
    countRevocations: async () => {
      const [row] = await read(count);
      return { live: Number(row?.['live']), expired: Number(row?.['expired']) };
    },
    tidyRevocations: async (maxEntries) => {
      const [row] = await revoke(tidy, maxEntries, lifetimeMs);
      return { expired: Number(row?.['expired']), folded: Number(row?.['folded']), users: Number(row?.['users']) };
    },
    onWrite,
    storeIncarnation: async () => String((await read(incarnation))[0]?.['value']),
  };
};
