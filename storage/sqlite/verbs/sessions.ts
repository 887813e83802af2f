import type { RealmId, SessionId, UserId } from '@sallyport/contract';
import { uuidFromBytes, uuidToBytes } from '@sallyport/kit/random';
import type { Act, EffectData } from '../../contracts/effects.ts';
import type { EndCause, NewSession, Rotation, Sessions } from '../../contracts/sessions.ts';
import type { ActContext } from '../../contracts/store.ts';
import type { SqlRow, Transaction } from '../transaction.ts';
import { appendEffect } from './effects.ts';
import { appendRevocation } from './revocations.ts';

/** Version of the row and of the token that is derived from it. */
export const sessionFormat = 1;
const lastSeenGrainMs = 60_000;

const alive = 'revoked_at_ms IS NULL AND idle_expires_at_ms > ? AND absolute_expires_at_ms > ?';

const readSession = (tx: Transaction, sessionId: SessionId): SqlRow | undefined =>
  tx.get('SELECT * FROM sessions WHERE id = ?', uuidToBytes(sessionId));

interface Trace {
  readonly act: Act;
  readonly context: ActContext;
  readonly data?: EffectData;
}

const trace = (tx: Transaction, row: SqlRow, { act, context, data }: Trace): void =>
  appendEffect(tx, {
    act,
    realmId: row['realm_id'] as RealmId,
    userId: uuidFromBytes(row['user_id'] as Uint8Array) as UserId,
    sessionId: uuidFromBytes(row['id'] as Uint8Array) as SessionId,
    ...(data && { data }),
    context,
  });

/** Every end of a session goes through here: the row has just been marked, its effect and its revocation entry follow. */
const traceEnd = (tx: Transaction, row: SqlRow, cause: EndCause, context: ActContext, lifetimeMs: number): void => {
  trace(tx, row, { act: cause === 'reused' ? 'refresh.reused' : 'session.ended', context, data: { cause } });
  const sessionId = uuidFromBytes(row['id'] as Uint8Array);
  const realmId = row['realm_id'] as RealmId;
  appendRevocation(tx, { realmId, subject: { kind: 'session', sessionId }, cause, lifetimeMs });
};

const insertSession = `INSERT INTO sessions (id, format, realm_id, user_id, device_id, client_id, scope, audience, created_at_ms, auth_time_ms,
    amr, acr, session_epoch, generation, key_id, salt, token_hash, hash_key_id, rotated_at_ms, rotation_id, idle_expires_at_ms,
    absolute_expires_at_ms, bound_key_thumbprint, proof_required, last_seen_at_ms, origin_sealed, label)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id, realm_id, user_id`;

export type SealedNewSession = Omit<NewSession, 'origin'> & {
  readonly originSealed: string;
  readonly lifetimeMs: number;
};

export const createSession = (tx: Transaction, session: SealedNewSession): number => {
  const now = tx.nowMs;
  const absolute = now + session.absoluteTtlMs;
  const row = tx.get(
    insertSession,
    uuidToBytes(session.id),
    sessionFormat,
    session.realmId,
    uuidToBytes(session.userId),
    session.deviceId === undefined ? null : uuidToBytes(session.deviceId),
    session.clientId,
    session.scope ?? null,
    session.audience ?? null,
    now,
    now,
    JSON.stringify(session.amr),
    session.acr ?? null,
    session.sessionEpoch,
    session.keyId,
    session.salt,
    session.tokenHash,
    session.hashKeyId,
    now,
    session.rotationId,
    Math.min(now + session.idleTtlMs, absolute),
    absolute,
    session.boundKeyThumbprint ?? null,
    session.proofRequired ? 1 : 0,
    now,
    session.originSealed,
    session.label ?? null,
  );
  if (row === undefined) throw new Error('the session was not inserted');
  trace(tx, row, { act: 'session.started', context: session.context, data: { amr: session.amr } });
  endAboveLimits(tx, session);
  return now;
};

const endAboveLimits = (tx: Transaction, session: SealedNewSession): void => {
  const own = uuidToBytes(session.id);
  if (session.deviceId !== undefined && session.maxPerDevice > 0) {
    endOldest(
      tx,
      {
        column: 'device_id',
        subject: uuidToBytes(session.deviceId),
        keep: session.maxPerDevice,
        own,
        cause: 'replaced',
      },
      session,
    );
  }
  if (session.maxPerUser > 0) {
    endOldest(
      tx,
      { column: 'user_id', subject: uuidToBytes(session.userId), keep: session.maxPerUser, own, cause: 'evicted' },
      session,
    );
  }
};

interface OldestSessions {
  readonly column: 'device_id' | 'user_id';
  readonly subject: Uint8Array;
  readonly keep: number;
  readonly own: Uint8Array;
  readonly cause: EndCause;
}

/** Keeps the new session and the newest others: `keep` in all. What has expired goes first: it is nobody's session any more. */
const endOldest = (tx: Transaction, oldest: OldestSessions, session: SealedNewSession): void => {
  const rows = tx.all(
    `UPDATE sessions SET revoked_at_ms = ?, revoked_cause = ? WHERE id IN (
        SELECT id FROM sessions WHERE ${oldest.column} = ? AND revoked_at_ms IS NULL AND id <> ?
        ORDER BY min(idle_expires_at_ms, absolute_expires_at_ms) > ? DESC, created_at_ms DESC, id DESC LIMIT -1 OFFSET ?)
      RETURNING id, realm_id, user_id`,
    tx.nowMs,
    oldest.cause,
    oldest.subject,
    oldest.own,
    tx.nowMs,
    oldest.keep - 1,
  );
  for (const row of rows) traceEnd(tx, row, oldest.cause, session.context, session.lifetimeMs);
};

const rotateStatement = `UPDATE sessions SET generation = ?, key_id = ?, token_hash = ?, hash_key_id = ?, rotated_at_ms = ?, rotation_id = ?,
    salt = coalesce(?, salt), winner_attempt = ?, loser_attempts = NULL, idle_expires_at_ms = min(?, absolute_expires_at_ms),
    last_seen_at_ms = CASE WHEN ? - last_seen_at_ms >= ${lastSeenGrainMs} THEN ? ELSE last_seen_at_ms END,
    origin_sealed = coalesce(?, origin_sealed)
  WHERE id = ? AND generation = ? AND ${alive} RETURNING id, realm_id, user_id, session_epoch`;

export type SealedRotation = Omit<Rotation, 'origin'> & { readonly originSealed: string | undefined };

export type RotatedRow =
  | { readonly won: true; readonly sessionEpoch: number; readonly nowMs: number }
  | { readonly won: false; readonly row: SqlRow | undefined; readonly nowMs: number };

export const rotateSession = (tx: Transaction, rotation: SealedRotation): RotatedRow => {
  const now = tx.nowMs;
  const row = tx.get(
    rotateStatement,
    rotation.newGeneration,
    rotation.keyId,
    rotation.tokenHash,
    rotation.hashKeyId,
    now,
    rotation.rotationId,
    rotation.newSalt ?? null,
    rotation.attempt ?? null,
    now + rotation.idleTtlMs,
    now,
    now,
    rotation.originSealed ?? null,
    uuidToBytes(rotation.sessionId),
    rotation.expectedGeneration,
    now,
    now,
  );
  if (row === undefined) return { won: false, row: readSession(tx, rotation.sessionId), nowMs: now };
  const ahead = rotation.newGeneration > rotation.expectedGeneration + 1;
  trace(tx, row, { act: ahead ? 'session.adopted_ahead' : 'session.refreshed', context: rotation.context });
  return { won: true, sessionEpoch: Number(row['session_epoch']), nowMs: now };
};

export const keepSession = (
  tx: Transaction,
  input: {
    readonly sessionId: SessionId;
    readonly generation: number;
    readonly originSealed: string | undefined;
    readonly context: ActContext;
  },
): { readonly kept: boolean; readonly nowMs: number } => {
  const now = tx.nowMs;
  const id = uuidToBytes(input.sessionId);
  const row = tx.get(
    `SELECT id, realm_id, user_id, last_seen_at_ms FROM sessions WHERE id = ? AND generation = ? AND ${alive}`,
    id,
    input.generation,
    now,
    now,
  );
  if (row === undefined) return { kept: false, nowMs: now };
  if (now - Number(row['last_seen_at_ms']) >= lastSeenGrainMs) {
    tx.run(
      'UPDATE sessions SET last_seen_at_ms = ?, origin_sealed = coalesce(?, origin_sealed) WHERE id = ?',
      now,
      input.originSealed ?? null,
      id,
    );
  }
  trace(tx, row, { act: 'session.refreshed', context: input.context });
  return { kept: true, nowMs: now };
};

const attemptBytes = 32;
const maxLoserBytes = 8 * attemptBytes;

export const recordLoserAttempt = (tx: Transaction, input: Parameters<Sessions['recordLoserAttempt']>[0]): void => {
  tx.run(
    `UPDATE sessions SET loser_attempts = CAST(coalesce(loser_attempts, x'') || ? AS BLOB)
      WHERE id = ? AND generation = ? AND revoked_at_ms IS NULL AND rotated_at_ms + ? > ?
        AND coalesce(length(loser_attempts), 0) < ${maxLoserBytes}`,
    input.attempt,
    uuidToBytes(input.sessionId),
    input.generation,
    input.overlapMs,
    tx.nowMs,
  );
};

export const endReusedSession = (
  tx: Transaction,
  input: Parameters<Sessions['endReusedSession']>[0] & { readonly lifetimeMs: number },
): boolean => {
  const row = tx.get(
    `UPDATE sessions SET revoked_at_ms = ?, revoked_cause = 'reused'
      WHERE id = ? AND revoked_at_ms IS NULL
        AND (generation > ? + 1 OR (generation = ? + 1 AND rotated_at_ms + ? <= ?))
      RETURNING id, realm_id, user_id`,
    tx.nowMs,
    uuidToBytes(input.sessionId),
    input.presentedGeneration,
    input.presentedGeneration,
    input.overlapMs,
    tx.nowMs,
  );
  if (row === undefined) return false;
  traceEnd(tx, row, 'reused', input.context, input.lifetimeMs);
  return true;
};

export const endSession = (
  tx: Transaction,
  input: Parameters<Sessions['endSession']>[0] & { readonly lifetimeMs: number },
): boolean => {
  const row = tx.get(
    `UPDATE sessions SET revoked_at_ms = ?, revoked_cause = ?
      WHERE id = ? AND revoked_at_ms IS NULL AND (? IS NULL OR user_id = ?) AND (?6 IS NULL OR key_id = ?6)
      RETURNING id, realm_id, user_id`,
    tx.nowMs,
    input.cause,
    uuidToBytes(input.sessionId),
    input.userId ?? null,
    input.userId === undefined ? null : uuidToBytes(input.userId),
    input.keyId ?? null,
  );
  if (row === undefined) return false;
  traceEnd(tx, row, input.cause, input.context, input.lifetimeMs);
  return true;
};

export const endSessionsOfUser = (
  tx: Transaction,
  input: Parameters<Sessions['endSessionsOfUser']>[0] & { readonly lifetimeMs: number },
): number => {
  const rows = tx.all(
    `UPDATE sessions SET revoked_at_ms = ?, revoked_cause = ?
      WHERE user_id = ? AND revoked_at_ms IS NULL AND (? IS NULL OR id <> ?) RETURNING id, realm_id, user_id`,
    tx.nowMs,
    input.cause,
    uuidToBytes(input.userId),
    input.except ?? null,
    input.except === undefined ? null : uuidToBytes(input.except),
  );
  for (const row of rows) traceEnd(tx, row, input.cause, input.context, input.lifetimeMs);
  return rows.length;
};

export const adoptEpoch = (tx: Transaction, input: Parameters<Sessions['adoptEpoch']>[0]): boolean =>
  tx.run(
    `UPDATE sessions SET session_epoch = ? WHERE id = ? AND session_epoch = ? AND ${alive}`,
    input.toEpoch,
    uuidToBytes(input.sessionId),
    input.fromEpoch,
    tx.nowMs,
    tx.nowMs,
  ).changes === 1;

export const settleRotation = (tx: Transaction, input: Parameters<Sessions['settleRotation']>[0]): boolean =>
  tx.run(
    'UPDATE sessions SET rotated_at_ms = ? WHERE id = ? AND rotation_id = ? AND revoked_at_ms IS NULL',
    tx.nowMs,
    uuidToBytes(input.sessionId),
    input.rotationId,
  ).changes === 1;
