/**
 * Sessions in Redis, their ends in SQL. A session is dead as soon as SQL says so, whatever Redis says: it may have failed over, been
 * emptied, or been put back to an older copy. So an end is committed there first, and every verb that would let a session go on
 * asks there after Redis has answered.
 */
import { defaultRealm, type EpochMs, type SessionId } from '@sallyport/contract';
import type { RecordedEnd, Revocations, SessionEnd } from '../contracts/revocations.ts';
import type { Session, Sessions } from '../contracts/sessions.ts';
import type { RedisSessions } from '../redis/sessions.ts';
import { keepUntil } from '../redis/sessions.ts';

type Ends = Pick<Revocations, 'recordSessionEnds' | 'findSessionEnds'>;

/** How long the end of a session is kept whose row, and with it its expiry, is gone. The longest life that a setting allows is shorter. */
const unknownLifeMs = 400 * 86_400_000;

export const combineSessions = (redis: RedisSessions, ends: Ends): Sessions => {
  const endOf = async (sessionId: SessionId): Promise<RecordedEnd | undefined> =>
    (await ends.findSessionEnds([sessionId])).get(sessionId);

  const findSession: Sessions['findSession'] = async (sessionId) => {
    const [found, end] = await Promise.all([redis.findSession(sessionId), endOf(sessionId)]);
    return { ...found, value: found.value && withEnd(found.value, end) };
  };

  /** Ends in SQL and then in Redis; returns how many this caller ended. */
  const endAll = async (
    found: readonly SessionEnd[],
    { userId, cause, context }: Pick<Parameters<Sessions['endSessionsOfUser']>[0], 'userId' | 'cause' | 'context'>,
  ): Promise<number> => {
    const recorded = await ends.recordSessionEnds(found, context);
    await redis.markEnded(
      userId,
      found.map(({ sessionId }) => sessionId),
      cause,
    );
    return recorded.length;
  };

  return {
    findSession,
    createSession: async (session) => {
      const { value: ended, nowMs } = await redis.createSession(session);
      await ends.recordSessionEnds(ended);
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
    endReusedSession: async (input) => {
      if ((await endOf(input.sessionId)) !== undefined) return false;
      const end = await redis.endReusedSession(input);
      if (end === undefined) return false;
      // Its effect tells whoever drains it to do the same, should this node die here.
      await ends.recordSessionEnds([end]);
      return true;
    },
    endSession: async ({ sessionId, userId, cause, context }) => {
      const { value: session, nowMs } = await redis.findSession(sessionId);
      if (session === undefined) {
        // Redis has lost it. It may come back with an older copy, so that it has ended must be known all the same.
        if (userId === undefined) await ends.recordSessionEnds([unknownEnd(sessionId, cause, nowMs)], context);
        return false;
      }
      if (userId !== undefined && session.userId !== userId) return false;
      const end = {
        sessionId,
        realmId: session.realmId,
        userId: session.userId,
        cause,
        keepUntilMs: keptUntil(session),
      };
      if (session.revokedAtMs !== undefined) {
        await ends.recordSessionEnds([{ ...end, cause: session.revokedCause ?? cause }]);
        return false;
      }
      return (await endAll([end], { userId: session.userId, cause, context })) === 1;
    },
    endSessionsOfUser: async ({ userId, except, cause, context }) => {
      const found = await redis.sessionsOfUser(userId, cause);
      return endAll(
        found.filter(({ sessionId }) => sessionId !== except),
        { userId, cause, context },
      );
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
  end === undefined || session.revokedAtMs !== undefined
    ? session
    : { ...session, revokedAtMs: end.atMs, revokedCause: end.cause };

const keptUntil = ({ absoluteExpiresAtMs }: Session): EpochMs => keepUntil(absoluteExpiresAtMs);

const unknownEnd = (sessionId: SessionId, cause: SessionEnd['cause'], nowMs: EpochMs): SessionEnd => ({
  sessionId,
  realmId: defaultRealm,
  cause,
  keepUntilMs: (nowMs + unknownLifeMs) as EpochMs,
});
