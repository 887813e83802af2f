import { defaultRealm, type EpochMs, type UserId } from '@sallyport/contract';
import type { Accounts } from '../contracts/accounts.ts';
import type { RootKeys, SessionsOfRoot, SessionsOfRootPage } from '../contracts/root-keys.ts';
import type { RedisSessions } from '../redis/sessions.ts';

const usersPerPage = 500;
/** More than anybody may have (SESSIONS_PER_USER). */
const sessionsPerUser = 10_000;

/** Redis has no list of all sessions: asks for those of every user in turn. */
export const countSessionsByRoot = async (
  accounts: Pick<Accounts, 'listUsers'>,
  redis: Pick<RedisSessions, 'listSessions'>,
): Promise<readonly SessionsOfRoot[]> => {
  const counted = new Map<string, { sessions: number; untilMs: EpochMs }>();
  for (let after: UserId | undefined; ; ) {
    const users = await accounts.listUsers(defaultRealm, {
      limit: usersPerPage,
      ...(after !== undefined && { after }),
    });
    const found = await Promise.all(
      users.map(({ id: userId, sessionEpoch }) => redis.listSessions({ userId, sessionEpoch, limit: sessionsPerUser })),
    );
    for (const { keyId, absoluteExpiresAtMs } of found.flat()) {
      const { sessions, untilMs } = counted.get(String(keyId)) ?? { sessions: 0, untilMs: absoluteExpiresAtMs };
      const last = Math.max(untilMs, absoluteExpiresAtMs) as EpochMs;
      counted.set(String(keyId), { sessions: sessions + 1, untilMs: last });
    }
    after = users.at(-1)?.id;
    if (users.length < usersPerPage) break;
  }
  return [...counted].map(([kid, counts]) => ({ kid, ...counts }));
};

/** The same way round: a page is one of users. */
export const readSessionsOfRoot = async (
  accounts: Pick<Accounts, 'listUsers'>,
  redis: Pick<RedisSessions, 'listSessions'>,
  { keyId, after, limit }: Parameters<RootKeys['readSessionsOfRoot']>[0],
): Promise<SessionsOfRootPage> => {
  const users = await accounts.listUsers(defaultRealm, {
    limit,
    ...(after !== undefined && { after: after as UserId }),
  });
  const found = await Promise.all(
    users.map(({ id: userId, sessionEpoch }) => redis.listSessions({ userId, sessionEpoch, limit: sessionsPerUser })),
  );
  const sessionIds = found.flatMap((sessions) => sessions.filter((each) => each.keyId === keyId).map(({ id }) => id));
  return { sessionIds, last: users.length < limit ? undefined : users.at(-1)?.id };
};
