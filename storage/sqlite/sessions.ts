import type { EpochMs } from '@sallyport/contract';
import { uuidToBytes } from '@sallyport/kit/random';
import type { Sessions } from '../contracts/sessions.ts';
import { sealOrigin } from '../sealed-columns.ts';
import type { Driver } from './driver.ts';
import * as rows from './rows.ts';

export const sessions = ({ queue, reader, sealer, lifetimeMs, nowMs }: Driver): Sessions => ({
  createSession: async ({ origin, ...session }) => {
    const originSealed = sealOrigin(origin, session.id, sealer);
    const at = await queue.call('createSession', { ...session, originSealed, lifetimeMs });
    return { value: undefined, nowMs: at as EpochMs };
  },
  findSession: async (sessionId) => {
    const row = await reader.get('SELECT * FROM sessions WHERE id = ?', uuidToBytes(sessionId));
    return { value: row && rows.sessionFromRow(row, sealer), nowMs: nowMs() };
  },
  rotateSession: async ({ origin, ...rotation }) => {
    const originSealed = origin && sealOrigin(origin, rotation.sessionId, sealer);
    const rotated = await queue.call('rotateSession', { ...rotation, originSealed });
    const nowMs = rotated.nowMs as EpochMs;
    if (rotated.won) return { value: { won: true, sessionEpoch: rotated.sessionEpoch }, nowMs };
    return { value: { won: false, session: rotated.row && rows.sessionFromRow(rotated.row, sealer) }, nowMs };
  },
  keepSession: async ({ origin, ...input }) => {
    const originSealed = origin && sealOrigin(origin, input.sessionId, sealer);
    const { kept, nowMs: at } = await queue.call('keepSession', { ...input, originSealed });
    return { value: kept, nowMs: at as EpochMs };
  },
  recordLoserAttempt: (input) => queue.call('recordLoserAttempt', input),
  endReusedSession: (input) => queue.call('endReusedSession', { ...input, lifetimeMs }),
  endSession: (input) => queue.call('endSession', { ...input, lifetimeMs }),
  endSessionsOfUser: (input) => queue.call('endSessionsOfUser', { ...input, lifetimeMs }),
  adoptEpoch: (input) => queue.call('adoptEpoch', input),
  listSessions: async ({ userId, sessionEpoch, limit }) => {
    const now = nowMs();
    const found = await reader.all(
      `SELECT * FROM sessions WHERE user_id = ? AND revoked_at_ms IS NULL AND session_epoch = ?
        AND idle_expires_at_ms > ? AND absolute_expires_at_ms > ? ORDER BY created_at_ms DESC, id DESC LIMIT ?`,
      uuidToBytes(userId),
      sessionEpoch,
      now,
      now,
      limit,
    );
    return found.map((row) => rows.sessionFromRow(row, sealer));
  },
  settleRotation: (input) => queue.call('settleRotation', input),
});
