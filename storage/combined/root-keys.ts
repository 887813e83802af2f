import { defaultRealm, type EpochMs, type UserId } from '@sallyport/contract';
import type { Accounts } from '../contracts/accounts.ts';
import type { SessionsOfRoot } from '../contracts/root-keys.ts';
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
