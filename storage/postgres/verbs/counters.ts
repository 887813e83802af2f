import type { EpochMs } from '@sallyport/contract';
import type { Counters, Reservation } from '../../contracts/counters.ts';
import type { Nonces } from '../../contracts/nonces.ts';
import type { SqlRow } from '../connection.ts';
import type { Driver } from '../driver.ts';

export const counters = ({ schema: s, write }: Driver): Counters => {
  const count = `SELECT allowed, remaining, reset_at_ms FROM ${s}.count_attempt($1, $2, $3, $4, $5)`;
  const reserve = `SELECT kind, retry_at_ms, gate_limit, window_ms FROM ${s}.reserve_attempt($1, $2, $3, $4)`;
  const settle = `SELECT ${s}.settle_attempt($1, $2, $3, $4)`;
  const clear = `SELECT ${s}.clear_attempts($1, $2, $3)`;
  return {
    countAttempt: async ({ realmId, purpose, subject, limit, windowMs }) => {
      const [row] = await write(count, realmId, purpose, subject, limit, windowMs);
      return {
        allowed: row?.['allowed'] === true,
        remaining: Number(row?.['remaining']),
        resetAtMs: Number(row?.['reset_at_ms']) as EpochMs,
      };
    },
    reserveAttempt: async ({ realmId, attemptId, gates, leaseMs }) =>
      reservation((await write(reserve, realmId, attemptId, gates, leaseMs))[0]),
    settleAttempt: async ({ realmId, attemptId, gates, outcome }) => {
      await write(settle, realmId, attemptId, gates, outcome);
    },
    clearAttempts: async ({ realmId, purpose, subject }) => {
      await write(clear, realmId, purpose, subject);
    },
  };
};

const reservation = (row: SqlRow | undefined): Reservation => {
  const kind = row?.['kind'] as Reservation['kind'];
  if (kind !== 'limited') return { kind };
  return {
    kind,
    retryAtMs: row?.['retry_at_ms'] as EpochMs,
    limit: Number(row?.['gate_limit']),
    windowMs: Number(row?.['window_ms']),
  };
};

/** A spent nonce that has expired may be spent again: its time window refuses it by then. */
export const nonces = ({ schema: s, write }: Driver): Nonces => {
  const consume = `INSERT INTO ${s}.nonces AS n (realm_id, purpose, nonce, expires_at_ms) VALUES ($1, $2, $3, $4)
    ON CONFLICT (realm_id, purpose, nonce) DO UPDATE SET expires_at_ms = excluded.expires_at_ms
    WHERE n.expires_at_ms <= ${s}.now_ms() RETURNING nonce`;
  return {
    consumeNonce: async ({ realmId, purpose, nonce, expiresAtMs }) =>
      (await write(consume, realmId, purpose, nonce, expiresAtMs)).length === 1,
  };
};
