import type { EpochMs } from '@sallyport/contract';
import { maxLoserAttempts, type Sessions } from '../../contracts/sessions.ts';
import { sealOrigin } from '../../sealed-columns.ts';
import type { SqlRow } from '../connection.ts';
import { byOf, byValues, type Driver, places } from '../driver.ts';
import { listed, sessionColumns, sessionFromRow } from '../rows.ts';

/** Version of the row and of the token that is derived from it. */
const sessionFormat = 1;
const attemptBytes = 32;

const time = (row: SqlRow | undefined): EpochMs => Number(row?.['now_ms']) as EpochMs;

export const sessions = ({ schema: s, sealer, lifetimeMs, read, write, revoke }: Driver): Sessions => {
  const alive = `revoked_at_ms IS NULL AND idle_expires_at_ms > ${s}.now_ms() AND absolute_expires_at_ms > ${s}.now_ms()`;
  const columns = listed(sessionColumns);
  const create = `SELECT ${s}.create_session(${places(25)}, ${byOf(s, 26)}) AS now_ms`;
  // Of one row more than there may be: the clock is told where there is no session as well.
  const find = `SELECT ${s}.now_ms() AS now_ms, ${listed(sessionColumns, 'r.')}
    FROM (SELECT 1) AS always LEFT JOIN ${s}.sessions r ON r.id = $1`;
  const rotate = `SELECT won, now_ms, epoch, ${sessionColumns.map(([, column]) => `(t.session).${column}`).join(', ')}
    FROM ${s}.rotate_session(${places(11)}, ${byOf(s, 12)}) AS t`;
  const keep = `SELECT kept, now_ms FROM ${s}.keep_session($1, $2, $3, ${byOf(s, 4)})`;
  const record = `UPDATE ${s}.sessions SET loser_attempts = coalesce(loser_attempts, ''::bytea) || $1::bytea
    WHERE id = $2 AND generation = $3 AND revoked_at_ms IS NULL AND rotated_at_ms + $4 > ${s}.now_ms()
      AND coalesce(length(loser_attempts), 0) < ${maxLoserAttempts * attemptBytes}`;
  const traced = (from: number, lifetime: number): string =>
    `SELECT ${s}.trace_end(realm_id, user_id, id, revoked_cause, ${byOf(s, from)}, $${lifetime}) FROM ended`;
  const endReused = `WITH ended AS (
    UPDATE ${s}.sessions SET revoked_at_ms = ${s}.now_ms(), revoked_cause = 'reused'
    WHERE id = $1 AND revoked_at_ms IS NULL
      AND (generation > $2::bigint + 1 OR (generation = $2::bigint + 1 AND rotated_at_ms + $3 <= ${s}.now_ms()))
    RETURNING id, realm_id, user_id, revoked_cause) ${traced(4, 8)}`;
  const end = `WITH ended AS (
    UPDATE ${s}.sessions SET revoked_at_ms = ${s}.now_ms(), revoked_cause = $1
    WHERE id = $2 AND revoked_at_ms IS NULL AND ($3::uuid IS NULL OR user_id = $3::uuid)
      AND ($9::integer IS NULL OR key_id = $9::integer)
    RETURNING id, realm_id, user_id, revoked_cause) ${traced(4, 8)}`;
  const endOfUser = `SELECT ${s}.end_sessions_of_user($1, $2, $3, ${byOf(s, 4)}, $8) AS ended`;
  const adopt = `UPDATE ${s}.sessions SET session_epoch = $1 WHERE id = $2 AND session_epoch = $3 AND ${alive} RETURNING id`;
  const list = `SELECT ${columns} FROM ${s}.sessions WHERE user_id = $1 AND session_epoch = $2 AND ${alive}
    ORDER BY created_at_ms DESC, id DESC LIMIT $3`;
  // A rotation that waits for its commit holds the row: refused at once, and asked again. Without the lock the row would still be the one
  // from before, and the rotation be taken for one that has never been.
  const settle = `WITH held AS (
      SELECT id, rotation_id, revoked_at_ms FROM ${s}.sessions WHERE id = $1 FOR UPDATE NOWAIT)
    UPDATE ${s}.sessions r SET rotated_at_ms = ${s}.now_ms() FROM held
    WHERE r.id = held.id AND held.rotation_id = $2 AND held.revoked_at_ms IS NULL RETURNING r.id`;

  return {
    createSession: async (session) => {
      const [row] = await revoke(
        create,
        session.id,
        sessionFormat,
        session.realmId,
        session.userId,
        session.deviceId ?? null,
        session.clientId,
        session.scope ?? null,
        session.audience ?? null,
        session.amr,
        session.acr ?? null,
        session.sessionEpoch,
        session.keyId,
        session.salt,
        session.tokenHash,
        session.hashKeyId,
        session.rotationId,
        session.idleTtlMs,
        session.absoluteTtlMs,
        session.boundKeyThumbprint ?? null,
        session.proofRequired,
        sealOrigin(session.origin, session.id, sealer),
        session.label ?? null,
        session.maxPerUser,
        session.maxPerDevice,
        lifetimeMs,
        ...byValues(session.context),
      );
      return { value: undefined, nowMs: time(row) };
    },
    findSession: async (sessionId) => {
      const [row] = await read(find, sessionId);
      return { value: sessionFromRow(row, sealer), nowMs: time(row) };
    },
    rotateSession: async (rotation) => {
      const { sessionId, origin } = rotation;
      const [row] = await write(
        rotate,
        sessionId,
        rotation.expectedGeneration,
        rotation.newGeneration,
        rotation.keyId,
        rotation.tokenHash,
        rotation.hashKeyId,
        rotation.rotationId,
        rotation.newSalt ?? null,
        rotation.attempt ?? null,
        rotation.idleTtlMs,
        origin === undefined ? null : sealOrigin(origin, sessionId, sealer),
        ...byValues(rotation.context),
      );
      const nowMs = time(row);
      if (row?.['won'] === true) return { value: { won: true, sessionEpoch: Number(row['epoch']) }, nowMs };
      return { value: { won: false, session: sessionFromRow(row, sealer) }, nowMs };
    },
    keepSession: async ({ sessionId, generation, origin, context }) => {
      const sealed = origin === undefined ? null : sealOrigin(origin, sessionId, sealer);
      const [row] = await write(keep, sessionId, generation, sealed, ...byValues(context));
      return { value: row?.['kept'] === true, nowMs: time(row) };
    },
    recordLoserAttempt: async ({ sessionId, generation, attempt, overlapMs }) => {
      await write(record, attempt, sessionId, generation, overlapMs);
    },
    endReusedSession: async ({ sessionId, presentedGeneration, overlapMs, context }) => {
      const ended = await revoke(
        endReused,
        sessionId,
        presentedGeneration,
        overlapMs,
        ...byValues(context),
        lifetimeMs,
      );
      return ended.length === 1;
    },
    endSession: async ({ sessionId, userId, keyId, cause, context }) => {
      const by = byValues(context);
      const ended = await revoke(end, cause, sessionId, userId ?? null, ...by, lifetimeMs, keyId ?? null);
      return ended.length === 1;
    },
    endSessionsOfUser: async ({ userId, except, cause, context }) => {
      const [row] = await revoke(endOfUser, userId, except ?? null, cause, ...byValues(context), lifetimeMs);
      return Number(row?.['ended']);
    },
    adoptEpoch: async ({ sessionId, fromEpoch, toEpoch }) =>
      (await write(adopt, toEpoch, sessionId, fromEpoch)).length === 1,
    listSessions: async ({ userId, sessionEpoch, limit }) =>
      (await read(list, userId, sessionEpoch, limit)).flatMap((row) => sessionFromRow(row, sealer) ?? []),
    settleRotation: async ({ sessionId, rotationId }) => (await write(settle, sessionId, rotationId)).length === 1,
  };
};
