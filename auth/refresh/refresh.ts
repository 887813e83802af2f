import { createHash, timingSafeEqual } from 'node:crypto';
import { type DeviceId, defaultRealm, type EpochMs, type RefreshRefusal, type SessionId } from '@sallyport/contract';
import { type Random, uuidTimeMs } from '@sallyport/kit/random';
import type { Accounts, User } from '@sallyport/storage/contracts/accounts';
import type { Effects } from '@sallyport/storage/contracts/effects';
import type { Origin, Session, Sessions } from '@sallyport/storage/contracts/sessions';
import { type ActContext, StoreUnavailable } from '@sallyport/storage/contracts/store';
import type { RefreshAnomaly } from '../tokens/refresh-anomaly.ts';
import type { ParsedRefreshToken, RefreshTokens } from '../tokens/refresh-token.ts';
import { judge, type PresentedToken, type RotationPolicy, type Verdict } from '../tokens/rotation.ts';
import type { AheadToken, SignAhead } from '../tokens/sign-ahead.ts';
import type { UnsettledRotations } from '../tokens/unsettled.ts';
import { createSignFirst } from './sign-first.ts';

/** Outcomes of a refresh: a token pair, or the reason why not. A store that cannot answer is an exception, never a reason. */
export type RefreshOutcome =
  | {
      readonly kind: 'refreshed';
      readonly user: User;
      readonly session: Session;
      readonly refreshToken: string;
      /** The successor was handed to a caller inside the overlap, from another address and agent. */
      readonly foreign: boolean;
      /** The access token, where it was signed before the rotation. */
      readonly ahead?: AheadToken | undefined;
    }
  | { readonly kind: 'refused'; readonly code: RefreshRefusal; readonly session?: Session };

export interface RefreshRequest {
  readonly token: string;
  /** `Idempotency-Key`, already checked for its form. */
  readonly attemptId: string | undefined;
  /** Whether the caller holds the key of this thumbprint; a proof is spent by the question. Undefined: none came with the request. */
  readonly proveKey: ((thumbprint: string) => Promise<boolean>) | undefined;
  readonly origin: Origin;
  readonly context: ActContext;
}

export interface RefreshOptions {
  readonly sessions: Sessions;
  readonly accounts: Accounts;
  readonly effects: Effects;
  readonly tokens: RefreshTokens;
  readonly unsettled: UnsettledRotations;
  /** Undefined: signing never fails. */
  readonly signAhead?: SignAhead;
  readonly random: Pick<Random, 'bytes'>;
  readonly policy: RotationPolicy;
  readonly idleTtlMs: number;
  /** Whether the device may refresh once more. @throws Problem `rate_limited` */
  readonly limitDevice: (deviceId: DeviceId | undefined) => Promise<void>;
  /** refresh.md: counted, and logged as errors where the store has gone back. */
  readonly onAnomaly: (anomaly: RefreshAnomaly, sessionId: SessionId | undefined) => void;
}

/** A verdict that was overtaken by another caller is judged again, at most this often. */
const maxJudgements = 8;
const lastSeenGrainMs = 60_000;

/** Exchanges a refresh token. N callers with one token get one and the same successor; nobody is logged out by a race. */
export const createRefresh = (options: RefreshOptions): ((request: RefreshRequest) => Promise<RefreshOutcome>) => {
  const { sessions, tokens, policy } = options;
  const first = createSignFirst(options);

  return async function refresh(request) {
    try {
      return await exchange(request);
    } catch (error) {
      if (error instanceof StoreUnavailable) options.unsettled.noteOutage();
      throw error;
    }
  };

  async function exchange(request: RefreshRequest): Promise<RefreshOutcome> {
    const token = tokens.parse(request.token);
    if (token === undefined) {
      if (tokens.namesUnknownKey(request.token)) options.onAnomaly('key_unknown', undefined);
      return refused('refresh_invalid');
    }
    await options.unsettled.settle();
    const found = await sessions.findSession(token.sessionId);
    let session = found.value;
    const holder = await proveHolder(session, token, request, tokens);
    // Who has not the key of a device is not that device: he cannot use up what its owner may ask for.
    if (session?.proofRequired !== true || holder === 'proved') await options.limitDevice(session?.deviceId);
    let nowMs = found.nowMs;
    let currentAtMs: EpochMs | undefined;
    let ahead: AheadToken | undefined;
    for (let judgement = 0; judgement < maxJudgements; judgement += 1) {
      if (session === undefined) return refuseUnknown(token.sessionId, nowMs, request, options);
      if (!tokens.holds(session)) options.onAnomaly('key_unknown', session.id);
      if (!tokens.holds(session) || !tokens.isGenuine(token, session)) return refused('refresh_invalid');
      const attempt = request.attemptId === undefined ? undefined : hashAttempt(session, request.attemptId);
      const isCurrent = session.generation === token.generation;
      if (isCurrent) currentAtMs = nowMs;
      // Of the rotation that led to a current token the row's own time tells: its overlap would else begin with every call.
      const facts = isCurrent ? factsOf(session) : committedAfter(currentAtMs, factsOf(session));
      const verdict = judge(
        present(token, session, attempt, { text: request.token, holder }, tokens),
        facts,
        policy,
        nowMs,
      );
      let step: Step | undefined;
      if (verdict.kind !== 'refuse' && ahead === undefined && first.isNeeded()) {
        const signed = await first.signFirst(session, verdict.kind === 'successor');
        ahead = signed.ahead;
        if (signed.judgeAgain) step = { done: false };
      }
      step ??= await carryOut(verdict, { session, token, attempt, request, nowMs }, options);
      if (step.done) {
        const { outcome } = step;
        return ahead === undefined || outcome.kind === 'refused' ? outcome : { ...outcome, ahead };
      }
      const again = step.session ?? (await sessions.findSession(token.sessionId));
      session = again.value;
      nowMs = again.nowMs;
    }
    throw new StoreUnavailable(`a session changed ${maxJudgements} times during one refresh`);
  }
};

/**
 * A commit that waits, for a slow disk or a standby, is seen long after the time that its row tells: the token was still the current one
 * when it was looked at here, so that it was replaced later than that.
 */
const committedAfter = (currentAtMs: EpochMs | undefined, facts: ReturnType<typeof factsOf>) =>
  currentAtMs === undefined || facts.rotatedAtMs >= currentAtMs ? facts : { ...facts, rotatedAtMs: currentAtMs };

interface Case {
  readonly session: Session;
  readonly token: ParsedRefreshToken;
  readonly attempt: Buffer | undefined;
  readonly request: RefreshRequest;
  readonly nowMs: EpochMs;
}

type Step =
  | { readonly done: true; readonly outcome: RefreshOutcome }
  /** Overtaken: judge again, with the row where the verb gave it. */
  | { readonly done: false; readonly session?: { readonly value: Session | undefined; readonly nowMs: EpochMs } };

const refused = (code: RefreshRefusal, session?: Session): RefreshOutcome => ({
  kind: 'refused',
  code,
  ...(session && { session }),
});

const carryOut = async (verdict: Verdict, judged: Case, options: RefreshOptions): Promise<Step> => {
  switch (verdict.kind) {
    case 'refuse':
      return { done: true, outcome: await refuse(verdict.code, judged, options) };
    case 'rotate':
      return rotate(verdict.newGeneration, judged, options);
    case 'keep':
      return keep(judged, options);
    case 'successor':
      return { done: true, outcome: await follow(verdict.insideOverlap, judged, options) };
    case 'reuse':
      return endReused(judged, options);
  }
};

const refuse = async (
  code: RefreshRefusal,
  { session, request }: Case,
  { effects, onAnomaly }: RefreshOptions,
): Promise<RefreshOutcome> => {
  if (code === 'session_lost') {
    const { realmId, userId, id } = session;
    onAnomaly('session_lost', id);
    await effects.appendEffects([{ act: 'session.lost', realmId, userId, sessionId: id, context: request.context }]);
  }
  if (code === 'proof_required') onAnomaly('proof_required', session.id);
  return refused(code, session);
};

/**
 * M1 shows that the token was made here, so there was a row. It is not taken away before its first idle time is over: where it is missing
 * earlier, the store has lost it.
 */
const refuseUnknown = async (
  sessionId: SessionId,
  nowMs: EpochMs,
  { context }: RefreshRequest,
  { effects, onAnomaly, idleTtlMs }: RefreshOptions,
): Promise<RefreshOutcome> => {
  if (nowMs >= uuidTimeMs(sessionId) + idleTtlMs) return refused('refresh_invalid');
  onAnomaly('session_lost', sessionId);
  await effects.appendEffects([{ act: 'session.lost', realmId: defaultRealm, sessionId, context }]);
  return refused('session_lost');
};

const rotate = async (newGeneration: number, judged: Case, options: RefreshOptions): Promise<Step> => {
  const { session, attempt, request } = judged;
  const { sessions, tokens, unsettled } = options;
  const position = { id: session.id, salt: session.salt, generation: newGeneration, ...tokens.current };
  const refreshToken = tokens.derive(position);
  const tokenHash = tokens.hash(refreshToken, tokens.current.hashKeyId);
  if (tokenHash === undefined) throw new Error('the current refresh secret is not held');
  const rotationId = options.random.bytes(16);
  try {
    const { value, nowMs } = await sessions.rotateSession({
      sessionId: session.id,
      expectedGeneration: session.generation,
      newGeneration,
      keyId: tokens.current.keyId,
      tokenHash,
      hashKeyId: tokens.current.hashKeyId,
      rotationId,
      ...(attempt && { attempt }),
      idleTtlMs: options.idleTtlMs,
      ...(isOriginDue(judged, tokens) && { origin: request.origin }),
      context: request.context,
    });
    if (!value.won) return { done: false, session: { value: value.session, nowMs } };
    if (newGeneration > session.generation + 1) options.onAnomaly('adopted_ahead', session.id);
    const rotated = { ...session, generation: newGeneration, sessionEpoch: value.sessionEpoch };
    return { done: true, outcome: await finish(rotated, refreshToken, false, options) };
  } catch (error) {
    // The caller gets 503 and comes back with the old token: its overlap starts again when the store answers.
    if (error instanceof StoreUnavailable) unsettled.remember(session.id, rotationId);
    throw error;
  }
};

/** With its first token under another root key, too: whatever a session has is to need one root key alone, or the other may never go. */
const isOriginDue = ({ session, nowMs }: Case, { current }: RefreshTokens): boolean =>
  nowMs - session.lastSeenAtMs >= lastSeenGrainMs || session.keyId !== current.keyId;

/** Where tokens rotate, this is inside the overlap of the rotation that led here: a foreign caller is told as `follow` tells him. */
const keep = async (judged: Case, options: RefreshOptions): Promise<Step> => {
  const { session, request, nowMs } = judged;
  const kept = await options.sessions.keepSession({
    sessionId: session.id,
    generation: session.generation,
    ...(nowMs - session.lastSeenAtMs >= lastSeenGrainMs && { origin: request.origin }),
    context: request.context,
  });
  if (!kept.value) return { done: false };
  const foreign = options.policy.rotation && isForeign(session.origin(), request.origin);
  if (foreign) await noteForeignOverlap(judged, options);
  return { done: true, outcome: await finish(session, request.token, foreign, options) };
};

/** The predecessor's holder gets the successor that the row stands at, derived with the row's own key. */
const follow = async (insideOverlap: boolean, judged: Case, options: RefreshOptions): Promise<RefreshOutcome> => {
  const { session, request } = judged;
  try {
    const foreign = insideOverlap && isForeign(session.origin(), request.origin);
    if (insideOverlap) await beginOverlap(judged, options);
    if (insideOverlap) await keepLoserAttempt(judged, options);
    if (foreign) await noteForeignOverlap(judged, options);
    return await finish(session, options.tokens.derive(session), foreign, options);
  } catch (error) {
    // Judged to be the same holder, and sent away with 503: it must not be a thief when it comes back.
    if (error instanceof StoreUnavailable) options.unsettled.remember(session.id, session.rotationId);
    throw error;
  }
};

/** Where the row's own time says that it is over: whoever else was sent away while the commit waited has the same right. */
const beginOverlap = async ({ session, nowMs }: Case, { sessions, policy }: RefreshOptions): Promise<void> => {
  if (nowMs < session.rotatedAtMs + policy.overlapMs) return;
  await sessions.settleRotation({ sessionId: session.id, rotationId: session.rotationId });
};

const keepLoserAttempt = async ({ session, attempt }: Case, { sessions, policy }: RefreshOptions): Promise<void> => {
  if (attempt === undefined || knowsAttempt(session, attempt)) return;
  const { id: sessionId, generation } = session;
  await sessions.recordLoserAttempt({ sessionId, generation, attempt, overlapMs: policy.overlapMs });
};

const noteForeignOverlap = ({ session, request }: Case, { effects }: RefreshOptions): Promise<void> => {
  const { realmId, userId, id: sessionId } = session;
  return effects.appendEffects([
    { act: 'refresh.overlap_foreign', realmId, userId, sessionId, context: request.context },
  ]);
};

const endReused = async ({ session, token, request }: Case, options: RefreshOptions): Promise<Step> => {
  const ended = await options.sessions.endReusedSession({
    sessionId: session.id,
    presentedGeneration: token.generation,
    overlapMs: options.policy.overlapMs,
    context: request.context,
  });
  return ended ? { done: true, outcome: refused('refresh_reused', session) } : { done: false };
};

/**
 * Account state is read after the rotation: whoever ended the user's sessions before this read is seen here, whoever does it
 * later ends the session that was just rotated. So no lock has to span account and session.
 */
const finish = async (
  session: Session,
  refreshToken: string,
  foreign: boolean,
  { accounts }: RefreshOptions,
): Promise<RefreshOutcome> => {
  const user = await accounts.findUser(session.userId);
  if (user === undefined || user.deletedAtMs !== undefined) return refused('user_unknown', session);
  if (user.disabledAtMs !== undefined || user.sessionEpoch !== session.sessionEpoch)
    return refused('session_revoked', session);
  return { kind: 'refreshed', user, session, refreshToken, foreign };
};

/** `refused`: a proof came, and shows nothing. */
type Holder = PresentedToken['holderKey'];

/** Asked once a refresh, and only about a token of this session: nobody else makes us check a signature. */
const proveHolder = async (
  session: Session | undefined,
  token: ParsedRefreshToken,
  { proveKey }: RefreshRequest,
  tokens: RefreshTokens,
): Promise<Holder> => {
  const thumbprint = session?.boundKeyThumbprint;
  if (session === undefined || thumbprint === undefined || proveKey === undefined) return 'not_shown';
  if (!tokens.holds(session) || !tokens.isGenuine(token, session)) return 'not_shown';
  return (await proveKey(thumbprint)) ? 'proved' : 'refused';
};

const present = (
  token: ParsedRefreshToken,
  session: Session,
  attempt: Buffer | undefined,
  given: { readonly text: string; readonly holder: Holder },
  tokens: RefreshTokens,
): PresentedToken => {
  const hash = token.generation === session.generation ? tokens.hash(given.text, session.hashKeyId) : undefined;
  return {
    generation: token.generation,
    matchesStoredHash: hash && timingSafeEqual(hash, session.tokenHash),
    holderKey: given.holder,
    attemptKnown: attempt !== undefined && knowsAttempt(session, attempt),
  };
};

const factsOf = (session: Session) => ({
  generation: session.generation,
  rotatedAtMs: session.rotatedAtMs,
  idleExpiresAtMs: session.idleExpiresAtMs,
  absoluteExpiresAtMs: session.absoluteExpiresAtMs,
  revokedCause: session.revokedAtMs === undefined ? undefined : (session.revokedCause ?? 'logout'),
  proofRequired: session.proofRequired,
});

/** Bound to the session, so that one attempt id is worth nothing elsewhere. */
const hashAttempt = (session: Session, attemptId: string): Buffer =>
  createHash('sha256').update(`sallyport/attempt/1:${session.id}:${attemptId}`).digest();

const knowsAttempt = (session: Session, attempt: Buffer): boolean =>
  [...(session.winnerAttempt ? [session.winnerAttempt] : []), ...session.loserAttempts].some((kept) =>
    timingSafeEqual(kept, attempt),
  );

const isForeign = (known: Origin, now: Origin): boolean =>
  known.address !== now.address && known.userAgent !== now.userAgent;
