import type { EpochMs, SessionId, UserId } from '@sallyport/contract';
import type { Random } from '@sallyport/kit/random';
import type { Sealer } from '@sallyport/kit/seal';
import type { SessionEnd } from '../contracts/revocations.ts';
import type { EndCause, NewSession, Session, Sessions } from '../contracts/sessions.ts';
import type { ActContext, AtStoreTime } from '../contracts/store.ts';
import { sealOrigin } from '../sealed-columns.ts';
import type { RedisCall, RunCalls } from './connection.ts';
import {
  deviceKey,
  effectsKey,
  isShard,
  placeKey,
  realmOfShard,
  type Shard,
  sessionKey,
  shardOfUser,
  userKey,
} from './keys.ts';
import { listReply } from './replies.ts';
import type { Script } from './script.ts';
import { bytesText, fieldsOf, maxLosersLength, sessionFromReply } from './session-rows.ts';
import * as scripts from './session-scripts.ts';

/**
 * The verbs as Redis alone can keep them: it may go back. So whether a session ends is decided in a store that does not
 * (`storage/combined`), and marked here.
 */
export interface RedisSessions
  extends Pick<
    Sessions,
    | 'findSession'
    | 'rotateSession'
    | 'keepSession'
    | 'recordLoserAttempt'
    | 'adoptEpoch'
    | 'listSessions'
    | 'settleRotation'
  > {
  /** Also returns those that have to make room for it. */
  createSession(session: NewSession): Promise<AtStoreTime<readonly SessionEnd[]>>;
  /** The same question, asked again. */
  findAboveLimits(session: Limited): Promise<readonly SessionEnd[]>;
  /** Whether the row bears the verdict of `Sessions.endReusedSession` out. */
  isReused(input: Omit<Parameters<Sessions['endReusedSession']>[0], 'context'>): Promise<boolean>;
  /** Sessions of the user that are not marked as ended, each as its end would have to be recorded. */
  sessionsOfUser(userId: UserId, cause: EndCause): Promise<readonly SessionEnd[]>;
  /** Marks rows of one user's sessions. Idempotent. */
  markEnded(userId: UserId, ends: readonly Pick<SessionEnd, 'sessionId' | 'cause'>[]): Promise<void>;
  /** Takes what is known of a person whose account has been erased. Idempotent. */
  forgetUser(userId: UserId): Promise<void>;
}

export type Limited = Pick<NewSession, 'id' | 'realmId' | 'userId' | 'deviceId' | 'maxPerDevice' | 'maxPerUser'>;

export interface SessionsOptions {
  readonly run: RunCalls;
  readonly sealer: Sealer;
  readonly random: Pick<Random, 'bytes'>;
  /** Milliseconds that tests add to the clock of Redis. */
  readonly offsetMs: () => number;
}

/** Places that this process remembers, 100 bytes each: a session never moves. */
const maxPlaces = 65_536;
/** Two clocks may be apart: the record of an end outlives the row's expiry by this. */
const recordMarginMs = 86_400_000;

export const createRedisSessions = (options: SessionsOptions): RedisSessions => {
  const { run, sealer, random, offsetMs } = options;
  const places = new Map<SessionId, Shard>();

  const call = (script: Script, keys: readonly string[], args: readonly (string | number)[]): RedisCall => ({
    script,
    keys,
    args: [offsetMs(), bytesText(random.bytes(12)), ...args],
  });
  const ask = async (...asked: Parameters<typeof call>): Promise<unknown> => (await run([call(...asked)]))[0];

  const remember = (sessionId: SessionId, shard: Shard): void => {
    const [oldest] = places.keys();
    if (places.size >= maxPlaces && oldest !== undefined) places.delete(oldest);
    places.set(sessionId, shard);
  };

  /** Undefined: nobody has made this session here, or Redis has lost it. */
  const placeOf = async (sessionId: SessionId): Promise<{ shard?: Shard; nowMs?: EpochMs }> => {
    const known = places.get(sessionId);
    if (known !== undefined) return { shard: known };
    const [nowMs, place] = listReply(await ask(scripts.findPlaceScript, [placeKey(sessionId)], []));
    const at = nowMs as EpochMs;
    if (typeof place !== 'string' || !isShard(place)) return { nowMs: at };
    remember(sessionId, place);
    return { shard: place, nowMs: at };
  };

  /** Asks about the row of a session; `absent` where there is none. */
  const askRow = async <T>(
    sessionId: SessionId,
    script: Script,
    args: readonly (string | number)[],
    { read, absent }: { read: (reply: unknown, shard: Shard) => T; absent: (nowMs: EpochMs) => T },
  ): Promise<T> => {
    const { shard, nowMs } = await placeOf(sessionId);
    if (shard === undefined) return absent(nowMs ?? (0 as EpochMs));
    return read(await ask(script, [effectsKey(shard), sessionKey(shard, sessionId)], args), shard);
  };

  const rowFrom = (reply: unknown, id: SessionId, shard: Shard): Session | undefined =>
    sessionFromReply(reply, { id, shard, sealer });
  const nothing = { value: undefined } as const;
  const isOne = { read: (reply: unknown) => reply === 1, absent: () => false };
  const origin = (given: Parameters<typeof sealOrigin>[0] | undefined, sessionId: SessionId): string =>
    given === undefined ? '' : sealOrigin(given, sessionId, sealer);

  return {
    createSession: async (session) => {
      const shard = shardOfUser(session.userId, session.realmId);
      const keys = [effectsKey(shard), sessionKey(shard, session.id), ...indexesOf(shard, session)];
      const create = call(scripts.createSessionScript, keys, [
        session.id,
        session.userId,
        session.deviceId ?? '',
        session.idleTtlMs,
        session.absoluteTtlMs,
        session.maxPerDevice,
        session.maxPerUser,
        contextText(session.context),
        JSON.stringify({ amr: session.amr }),
        ...fieldsOf(session, sealer),
      ]);
      const keptMs = String(session.absoluteTtlMs + scripts.keptAfterExpiryMs);
      const place = { command: ['SET', placeKey(session.id), shard, 'PX', keptMs] };
      const [, reply] = await run([place, create]);
      const [nowMs, above] = listReply(reply);
      remember(session.id, shard);
      return { value: endsFrom(above, shard, session.userId), nowMs: nowMs as EpochMs };
    },
    findAboveLimits: async (session) => {
      const shard = shardOfUser(session.userId, session.realmId);
      const keys = [effectsKey(shard), ...indexesOf(shard, session)];
      const args = [session.id, session.maxPerDevice, session.maxPerUser];
      return endsFrom(await ask(scripts.findAboveLimitsScript, keys, args), shard, session.userId);
    },
    findSession: (sessionId) =>
      askRow(sessionId, scripts.findSessionScript, [], {
        read: (reply, shard) => {
          const [nowMs, row] = listReply(reply);
          return { value: rowFrom(row, sessionId, shard), nowMs: nowMs as EpochMs };
        },
        absent: (nowMs) => ({ ...nothing, nowMs }),
      }),
    rotateSession: ({ sessionId, ...rotation }) => {
      const args = [
        sessionId,
        rotation.expectedGeneration,
        rotation.newGeneration,
        rotation.keyId,
        bytesText(rotation.tokenHash),
        rotation.hashKeyId,
        bytesText(rotation.rotationId),
        rotation.newSalt === undefined ? '' : bytesText(rotation.newSalt),
        rotation.attempt === undefined ? '' : bytesText(rotation.attempt),
        rotation.idleTtlMs,
        origin(rotation.origin, sessionId),
        contextText(rotation.context),
        rotation.newGeneration > rotation.expectedGeneration + 1 ? 'session.adopted_ahead' : 'session.refreshed',
      ];
      return askRow(sessionId, scripts.rotateSessionScript, args, {
        read: (reply, shard) => {
          const [at, won, found] = listReply(reply);
          const nowMs = at as EpochMs;
          if (won === 1) return { value: { won: true, sessionEpoch: Number(found) }, nowMs };
          return { value: { won: false, session: rowFrom(found, sessionId, shard) }, nowMs };
        },
        absent: (nowMs) => ({ value: { won: false, session: undefined }, nowMs }),
      });
    },
    keepSession: ({ sessionId, generation, context, ...rest }) => {
      const args = [sessionId, generation, origin(rest.origin, sessionId), contextText(context)];
      return askRow(sessionId, scripts.keepSessionScript, args, {
        read: (reply) => {
          const [nowMs, kept] = listReply(reply);
          return { value: kept === 1, nowMs: nowMs as EpochMs };
        },
        absent: (nowMs) => ({ value: false, nowMs }),
      });
    },
    recordLoserAttempt: ({ sessionId, generation, attempt, overlapMs }) => {
      const args = [generation, bytesText(attempt), overlapMs, maxLosersLength];
      return askRow(sessionId, scripts.recordLoserScript, args, { read: () => undefined, absent: () => undefined });
    },
    isReused: ({ sessionId, presentedGeneration, overlapMs }) =>
      askRow(sessionId, scripts.isReusedScript, [presentedGeneration, overlapMs], isOne),
    sessionsOfUser: async (userId, cause) => {
      const shard = shardOfUser(userId);
      const reply = await ask(scripts.sessionsOfUserScript, [effectsKey(shard), userKey(shard, userId)], []);
      const found = listReply(reply);
      return Array.from({ length: found.length / 2 }, (_, at) =>
        endOf(shard, { sessionId: found[2 * at] as SessionId, userId, cause, absolute: found[2 * at + 1] }),
      );
    },
    markEnded: async (userId, ends) => {
      if (ends.length === 0) return;
      const marks = ends.flatMap(({ sessionId, cause }) => [sessionId, cause]);
      await ask(scripts.markEndedScript, [effectsKey(shardOfUser(userId))], marks);
    },
    forgetUser: async (userId) => {
      const shard = shardOfUser(userId);
      await ask(scripts.forgetUserScript, [effectsKey(shard), userKey(shard, userId)], [userId]);
    },
    adoptEpoch: ({ sessionId, fromEpoch, toEpoch }) =>
      askRow(sessionId, scripts.adoptEpochScript, [fromEpoch, toEpoch], isOne),
    listSessions: async ({ userId, sessionEpoch, limit }) => {
      const shard = shardOfUser(userId);
      const keys = [effectsKey(shard), userKey(shard, userId)];
      const found = listReply(await ask(scripts.listSessionsScript, keys, [sessionEpoch, limit]));
      return Array.from({ length: found.length / 2 }, (_, at) =>
        rowFrom(found[2 * at + 1], found[2 * at] as SessionId, shard),
      ).filter((session) => session !== undefined);
    },
    settleRotation: ({ sessionId, rotationId }) =>
      askRow(sessionId, scripts.settleRotationScript, [bytesText(rotationId)], isOne),
  };
};

const indexesOf = (shard: Shard, { userId, deviceId }: Limited): readonly string[] => [
  userKey(shard, userId),
  ...(deviceId === undefined ? [] : [deviceKey(shard, deviceId)]),
];

const contextText = ({ requestId, actor, address, userAgent }: ActContext): string =>
  JSON.stringify({ requestId, actor, address, userAgent });

const endOf = (
  shard: Shard,
  end: { readonly sessionId: SessionId; readonly userId: UserId; readonly cause: EndCause; readonly absolute: unknown },
): SessionEnd => ({
  sessionId: end.sessionId,
  realmId: realmOfShard(shard),
  userId: end.userId,
  cause: end.cause,
  keepUntilMs: keepUntil(Number(end.absolute)),
});

/** Until when an end has to be remembered by whoever does not go back. */
export const keepUntil = (absoluteExpiresAtMs: number): EpochMs => (absoluteExpiresAtMs + recordMarginMs) as EpochMs;

/** Id, absolute expiry and cause of each. */
const endsFrom = (reply: unknown, shard: Shard, userId: UserId): readonly SessionEnd[] => {
  const found = listReply(reply);
  return Array.from({ length: found.length / 3 }, (_, at) =>
    endOf(shard, {
      sessionId: found[3 * at] as SessionId,
      userId,
      cause: found[3 * at + 2] as EndCause,
      absolute: found[3 * at + 1],
    }),
  );
};
