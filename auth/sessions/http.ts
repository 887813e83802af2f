/** A user's own sessions: list them, end one, end the others. */
import { isSessionId, Problem } from '@sallyport/contract';
import type { Session, Sessions } from '@sallyport/storage/contracts/sessions';
import type { AuthSettings } from '../config.ts';
import type { BearerHandler } from '../route.ts';

export interface SessionsHttpOptions {
  readonly sessions: Sessions;
  readonly settings: Pick<AuthSettings, 'messageTexts'>;
}

/** Longest list that is answered; a user has `SESSIONS_PER_USER` at most. */
const listLimit = 1000;

export const createSessionsHttp = ({
  sessions,
  settings,
}: SessionsHttpOptions): {
  readonly listSessions: BearerHandler;
  readonly endSession: BearerHandler;
  readonly endOtherSessions: BearerHandler;
} => ({
  listSessions: async ({ caller: { user, session } }) => {
    const { id: userId, sessionEpoch } = user;
    const live = await sessions.listSessions({ userId, sessionEpoch, limit: listLimit });
    return { status: 200, body: { sessions: live.map((one) => sessionView(one, one.id === session.id)) } };
  },
  endSession: async ({ params, caller, context }) => {
    const sessionId = params['id'];
    if (!isSessionId(sessionId)) throw new Problem('session_unknown');
    const ended = await sessions.endSession({ sessionId, userId: caller.user.id, cause: 'ended_by_user', context });
    // Another user's session and one that never was give the same answer.
    if (!ended) throw new Problem('session_unknown');
    return { status: 200, body: { message: settings.messageTexts.sessionEnded } };
  },
  endOtherSessions: async ({ caller: { user, session }, context }) => {
    const ended = await sessions.endSessionsOfUser({
      userId: user.id,
      except: session.id,
      cause: 'ended_by_user',
      context,
    });
    return { status: 200, body: { message: settings.messageTexts.otherSessionsEnded, ended } };
  },
});

const isoTime = (ms: number): string => new Date(ms).toISOString();

const sessionView = (session: Session, current: boolean): object => {
  const { address, userAgent, deviceInfo } = session.origin();
  return {
    id: session.id,
    current,
    created_at: isoTime(session.createdAtMs),
    last_seen_at: isoTime(session.lastSeenAtMs),
    expires_at: isoTime(Math.min(session.idleExpiresAtMs, session.absoluteExpiresAtMs)),
    ...(address !== undefined && { address }),
    ...(userAgent !== undefined && { user_agent: userAgent }),
    ...(session.label !== undefined && { label: session.label }),
    ...(session.deviceId !== undefined && { device_id: session.deviceId }),
    ...(deviceInfo !== undefined && { device_info: deviceInfo }),
  };
};
