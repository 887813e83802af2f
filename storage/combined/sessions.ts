/**
 * Sessions in Redis, their ends in SQL. A session is dead as soon as SQL says so, whatever Redis says: it may have failed over, been
 * emptied, or been put back to an older copy. So every end is decided and committed there, with its effect; the mark in Redis follows
 * and may be lost. Every verb that would let a session go on asks SQL after Redis has answered.
 */
import { defaultRealm, type EpochMs, type SessionId, type UserId } from '@sallyport/contract';
import type { RecordedEnd, Revocations, SessionEnd } from '../contracts/revocations.ts';
import type { Session, Sessions } from '../contracts/sessions.ts';
import { type ActContext, StoreUnavailable } from '../contracts/store.ts';
import { keepUntil, type Limited, type RedisSessions } from '../redis/sessions.ts';

type Ends = Pick<Revocations, 'recordSessionEnds' | 'findSessionEnds'>;

/** How long the end of a session is kept whose row, and with it its expiry, is gone. Longer than anybody lets a session live. */
const unknownLifeMs = 400 * 86_400_000;

export const combineSessions = (redis: RedisSessions, ends: Ends): Sessions => {
  const endOf = async (sessionId: SessionId): Promise<RecordedEnd | undefined> =>
    (await ends.findSessionEnds([sessionId])).get(sessionId);

  const findSession: Sessions['findSession'] = async (sessionId) => {
    const [found, end] = await Promise.all([redis.findSession(sessionId), endOf(sessionId)]);
    return { ...found, value: found.value && withEnd(found.value, end) };
  };

  const mark = async (userId: UserId, ended: readonly SessionEnd[]): Promise<void> => {
    try {
      await redis.markEnded(userId, ended);
    } catch (error) {
      // They have ended where it counts. Nobody has to come again for this.
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  };

  /** Returns how many this caller ended. */
  const endAll = async (userId: UserId, found: readonly SessionEnd[], context: ActContext): Promise<number> => {
    const recorded = await ends.recordSessionEnds(found, context);
    await mark(userId, found);
    return recorded.length;
  };

  /**
   * Of those that would have to make room: marks that were lost are made up for, and the question is asked again, so that no live session
   * goes for one that is dead. Only of those: a login that came later has asked for itself.
   */
  const withoutDead = async (above: readonly SessionEnd[], session: Limited): Promise<readonly SessionEnd[]> => {
    const unmarked = await redis.sessionsOfUser(session.userId, 'evicted');
    const ended = await ends.findSessionEnds(unmarked.map(({ sessionId }) => sessionId));
    if (ended.size === 0) return above;
    await redis.markEnded(
      session.userId,
      [...ended].map(([sessionId, { cause }]) => ({ sessionId, cause })),
    );
    const still = new Set((await redis.findAboveLimits(session)).map(({ sessionId }) => sessionId));
    return above.filter(({ sessionId }) => still.has(sessionId));
  };

  return {
    findSession,
    createSession: async (session) => {
      const { value: above, nowMs } = await redis.createSession(session);
      if (above.length > 0) await endAll(session.userId, await withoutDead(above, session), session.context);
      return { value: undefined, nowMs };
    },
    rotateSession: async (rotation) => {
      const rotated = await redis.rotateSession(rotation);
      const end = await endOf(rotation.sessionId);
      if (end === undefined) return rotated;
      const session = rotated.value.won ? (await redis.findSession(rotation.sessionId)).value : rotated.value.session;
      return { ...rotated, value: { won: false, session: session && withEnd(session, end) } };
    },
    keepSession: async (input) => {
      const kept = await redis.keepSession(input);
      return { ...kept, value: kept.value && (await endOf(input.sessionId)) === undefined };
    },
    recordLoserAttempt: redis.recordLoserAttempt,
    endReusedSession: async ({ context, ...verdict }) => {
      if (!(await redis.isReused(verdict))) return false;
      const { value: session } = await redis.findSession(verdict.sessionId);
      return session !== undefined && (await endAll(session.userId, [endFor(session, 'reused')], context)) === 1;
    },
    endSession: async ({ sessionId, userId, keyId, cause, context }) => {
      const { value: session, nowMs } = await redis.findSession(sessionId);
      if (session === undefined) {
        // Redis has lost it, and may come back with an older copy: that it has ended must be known all the same.
        if (userId === undefined && keyId === undefined)
          await ends.recordSessionEnds([unknownEnd(sessionId, cause, nowMs)], context);
        return false;
      }
      if ((userId !== undefined && session.userId !== userId) || session.revokedAtMs !== undefined) return false;
      // A rotation that comes between this and the record is lost: its session ends, though its key is another one by then.
      if (keyId !== undefined && session.keyId !== keyId) return false;
      return (await endAll(session.userId, [endFor(session, cause)], context)) === 1;
    },
    endSessionsOfUser: async ({ userId, except, cause, context }) => {
      const found = await redis.sessionsOfUser(userId, cause);
      const others = found.filter(({ sessionId }) => sessionId !== except);
      return others.length === 0 ? 0 : endAll(userId, others, context);
    },
    adoptEpoch: async (input) => (await redis.adoptEpoch(input)) && (await endOf(input.sessionId)) === undefined,
    listSessions: async (input) => {
      const listed = await redis.listSessions(input);
      const ended = await ends.findSessionEnds(listed.map(({ id }) => id));
      return listed.filter(({ id }) => !ended.has(id));
    },
    settleRotation: redis.settleRotation,
  };
};

const withEnd = (session: Session, end: RecordedEnd | undefined): Session =>
  end === undefined ? session : { ...session, revokedAtMs: end.atMs, revokedCause: end.cause };

const endFor = ({ id, realmId, userId, absoluteExpiresAtMs }: Session, cause: SessionEnd['cause']): SessionEnd => ({
  sessionId: id,
  realmId,
  userId,
  cause,
  keepUntilMs: keepUntil(absoluteExpiresAtMs),
});

const unknownEnd = (sessionId: SessionId, cause: SessionEnd['cause'], nowMs: EpochMs): SessionEnd => ({
  sessionId,
  realmId: defaultRealm,
  cause,
  keepUntilMs: (nowMs + unknownLifeMs) as EpochMs,
});
