import type { Keys } from '../../contracts/keys.ts';
import { byOf, byValues, type Driver } from '../driver.ts';
import { keyColumns, keyFromRow, listed } from '../rows.ts';

/** Whoever has a private key writes the expiry of his tokens himself: the access lifetime is no bound here. */
const keyLifetimeMs = 365 * 86_400_000;

export const keys = ({ schema: s, read, write, revoke }: Driver): Keys => {
  const columns = listed(keyColumns);
  const list = `SELECT ${columns} FROM ${s}.signing_keys WHERE realm_id = $1 AND algorithm = $2
    ORDER BY state = 'current' DESC, created_at_ms DESC, kid`;
  const ensure = `SELECT ${columns} FROM ${s}.ensure_current_key($1, $2, $3, $4, $5, ${byOf(s, 6)})`;
  const ensureNext = `SELECT ${columns} FROM ${s}.ensure_next_key($1, $2, $3, $4, $5, $6, ${byOf(s, 7)})`;
  const advance = `SELECT ${columns} FROM ${s}.advance_ring($1, $2, $3, ${byOf(s, 4)})`;
  const withdraw = `SELECT ${s}.withdraw_key($1, $2, ${byOf(s, 3)}) AS outcome`;
  const remove = `SELECT ${s}.remove_key($1, $2, ${byOf(s, 3)}, $7) AS found`;
  return {
    listKeys: async (realmId, algorithm) => (await read(list, realmId, algorithm)).map(keyFromRow),
    ensureCurrentKey: async ({ kid, realmId, algorithm, publicJwk, sealedPrivateKey }, context) => {
      const values = [kid, realmId, algorithm, publicJwk, sealedPrivateKey, ...byValues(context)];
      return (await write(ensure, ...values)).map(keyFromRow);
    },
    ensureNextKey: async ({ kid, realmId, algorithm, publicJwk, sealedPrivateKey }, { publishForMs, context }) => {
      const values = [kid, realmId, algorithm, publicJwk, sealedPrivateKey, publishForMs, ...byValues(context)];
      return (await write(ensureNext, ...values)).map(keyFromRow);
    },
    advanceRing: async ({ realmId, algorithm, verifyForMs, context }) =>
      (await write(advance, realmId, algorithm, verifyForMs, ...byValues(context))).map(keyFromRow),
    withdrawKey: async ({ realmId, kid, context }) => {
      const [row] = await write(withdraw, realmId, kid, ...byValues(context));
      return row?.['outcome'] as Awaited<ReturnType<Keys['withdrawKey']>>;
    },
    removeKey: async ({ realmId, kid, context }) => {
      const [row] = await revoke(remove, realmId, kid, ...byValues(context), keyLifetimeMs);
      return row?.['found'] === true;
    },
  };
};
