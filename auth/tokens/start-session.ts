import { type DeviceId, defaultRealm, type EpochMs, type SessionId } from '@sallyport/contract';
import type { Clock } from '@sallyport/kit/clock';
import type { Random } from '@sallyport/kit/random';
import type { User } from '@sallyport/storage/contracts/accounts';
import type { NewSession, Origin, Session, Sessions } from '@sallyport/storage/contracts/sessions';
import type { ActContext } from '@sallyport/storage/contracts/store';
import type { AuthSettings } from '../config.ts';
import type { RefreshTokens } from './refresh-token.ts';
import type { AheadToken, SignAhead } from './sign-ahead.ts';

export interface StartSessionOptions {
  readonly sessions: Sessions;
  readonly tokens: RefreshTokens;
  readonly random: Random;
  readonly clock: Clock;
  /** Undefined: no access token is asked for. */
  readonly signAhead?: SignAhead;
  readonly settings: Pick<
    AuthSettings,
    | 'refreshTokenTtlSeconds'
    | 'sessionMaxTtlSeconds'
    | 'refreshRotation'
    | 'sessionsPerUser'
    | 'sessionsPerDevice'
    | 'clientId'
  >;
}

export interface StartedSession {
  readonly session: Pick<
    Session,
    'id' | 'clientId' | 'authTimeMs' | 'amr' | 'deviceId' | 'label' | 'boundKeyThumbprint'
  >;
  readonly refreshToken: string;
  readonly ahead?: AheadToken;
}

export interface NewLogin {
  readonly user: User;
  readonly amr: readonly string[];
  readonly origin: Origin;
  readonly context: ActContext;
  /** The registered device that the login came from. */
  readonly deviceId?: DeviceId;
  /** The key that its tokens are bound to, which the login has shown. */
  readonly boundKeyThumbprint?: string;
  /** A refresh without proof of that key changes nothing. */
  readonly proofRequired?: boolean;
  /** As the client calls its session; never an identity. */
  readonly label?: string;
}

/** A login makes one session row, and its first refresh token is derived from it. */
export const createSessionStarter = (options: StartSessionOptions): ((login: NewLogin) => Promise<StartedSession>) => {
  const { sessions, tokens, random, clock, signAhead, settings } = options;
  const idleTtlMs = settings.refreshTokenTtlSeconds * 1000;
  const maxTtlMs = settings.sessionMaxTtlSeconds * 1000;
  // Without rotation the lifetime counts from the login (contracts/README.md), so nothing may extend it.
  const absoluteTtlMs = settings.refreshRotation ? maxTtlMs : Math.min(idleTtlMs, maxTtlMs);

  return async function startSession({ user, amr, origin, context, proofRequired = false, ...named }) {
    const id = random.uuidv7(clock.nowMs()) as SessionId;
    const position = { id, generation: 0, salt: random.bytes(16), ...tokens.current };
    const refreshToken = tokens.derive(position);
    const tokenHash = tokens.hash(refreshToken, position.hashKeyId);
    if (tokenHash === undefined) throw new Error('the current refresh secret is not held');
    const row: NewSession = {
      id,
      realmId: defaultRealm,
      userId: user.id,
      ...named,
      clientId: settings.clientId,
      amr,
      sessionEpoch: user.sessionEpoch,
      ...tokens.current,
      salt: position.salt,
      tokenHash,
      rotationId: random.bytes(16),
      idleTtlMs,
      absoluteTtlMs,
      proofRequired,
      origin,
      maxPerUser: settings.sessionsPerUser,
      maxPerDevice: settings.sessionsPerDevice,
      context,
    };
    const session = { id, ...named, clientId: row.clientId, authTimeMs: clock.nowMs() as EpochMs, amr };
    // Before there is a session: it would be one that nobody knows of, and would have put another one out of its place.
    const ahead = signAhead?.isNeeded() === true ? await signAhead.sign(user, session) : undefined;
    const { nowMs } = await sessions.createSession(row);
    return { session: { ...session, authTimeMs: nowMs }, refreshToken, ...(ahead && { ahead }) };
  };
};
