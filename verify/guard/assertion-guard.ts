import { type ErrorTexts, identityHeaders } from '@sallyport/contract';
import {
  type AssertionKey,
  type AssertionVerifier,
  type AssertionVerifierOptions,
  createAssertionVerifier,
} from '../assertions/verify-assertion.ts';
import { checkOptions } from '../options.ts';
import { createPlainVerifier } from '../plain/plain-signature.ts';
import type { RevocationFeed } from '../revocations/revocation-feed.ts';
import { assertionKeysFrom, plainSecretFrom } from './environment.ts';
import {
  type Caller,
  type Guard,
  type GuardDecision,
  type GuardRequest,
  type OnRefusal,
  type Refuse,
  refusals,
} from './guard.ts';
import { createPlainDoor, createTransition, type GuardMode, guardModes, type PlainDoor } from './mode.ts';
import { judgeRevocation } from './revocation.ts';
import { routeMatcher } from './routes.ts';

export interface GuardOptions extends Omit<AssertionVerifierOptions, 'keys'> {
  /** What is believed. Default `strict`: a valid assertion alone. The others are for services on their way there. */
  readonly mode?: GuardMode;
  /** The service's keys; or `env`. None in mode `plain`. */
  readonly keys?: readonly AssertionKey[];
  /**
   * Usually `process.env`: `GATEWAY_ASSERTION_KEYS` or `GATEWAY_ASSERTION_KEYS_FILE` is read from it, and `GATEWAY_SECRET` or
   * `GATEWAY_SECRET_FILE` where the mode needs it.
   */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** GATEWAY_SECRET, current first, where it does not come from `env`. Modes `transition` and `plain` only. */
  readonly plainSecrets?: readonly string[];
  /** When mode `transition` ends, at most 366 days ahead: `2027-03-31` or `2027-03-31T12:00:00Z`. From then on as `strict`. */
  readonly transitionUntil?: string;
  /** Told of every plain signature that was accepted, for a metric; `stats()` counts them too. */
  readonly onPlain?: () => void;
  /** Told when the plain signature is accepted, and when no longer. Default: a process warning. */
  readonly onWarning?: (text: string) => void;
  /** Asked about every assertion: what the issuer has ended is refused before the assertion's own 30 seconds are over. */
  readonly revocations?: Pick<RevocationFeed, 'isRevoked' | 'issuer'>;
  /** The preset's literal texts. */
  readonly texts?: ErrorTexts;
  /** Routes that admit callers whom nobody has identified. The gateway's assertion is needed there too. Default none. */
  readonly public?: readonly string[];
  /** Routes that need no assertion at all, such as `GET /health`. Default none. */
  readonly unguarded?: readonly string[];
  readonly onRefusal?: OnRefusal;
}

/** A guard that counts by what it let somebody in. */
export interface AssertionGuard extends Guard {
  stats(): { readonly plainAccepted: number };
}

const names = {
  mode: 0,
  keys: 0,
  env: 0,
  plainSecrets: 0,
  transitionUntil: 0,
  onPlain: 0,
  onWarning: 0,
  revocations: 0,
  issuer: 0,
  clock: 0,
  leewaySeconds: 0,
  replay: 0,
  texts: 0,
  public: 0,
  unguarded: 0,
  onRefusal: 0,
};

const modeOf = ({ mode = 'strict', ...options }: GuardOptions): GuardMode => {
  if (!guardModes.includes(mode)) throw new TypeError(`createGuard: mode is one of ${guardModes.join(', ')}`);
  const foreign = {
    strict: ['plainSecrets', 'transitionUntil', 'onPlain'],
    transition: [],
    // Nobody vouches for what has no assertion, and a plain signature names no session.
    plain: ['keys', 'transitionUntil', 'public', 'replay', 'issuer', 'leewaySeconds', 'revocations'],
  }[mode];
  const given = foreign.find((name) => Object.hasOwn(options, name));
  if (given !== undefined) throw new TypeError(`createGuard: option "${given}" has no meaning in mode "${mode}"`);
  return mode;
};

const keysOf = ({ keys, env }: GuardOptions): readonly AssertionKey[] => {
  if ((keys === undefined) === (env === undefined)) throw new TypeError('createGuard: give either keys or env');
  return keys ?? assertionKeysFrom(env ?? {});
};

const verifierOf = (options: GuardOptions): AssertionVerifier => {
  const { service, issuer, clock, leewaySeconds, replay } = options;
  return createAssertionVerifier({
    service,
    keys: keysOf(options),
    ...(issuer !== undefined && { issuer }),
    ...(clock !== undefined && { clock }),
    ...(leewaySeconds !== undefined && { leewaySeconds }),
    ...(replay !== undefined && { replay }),
  });
};

const processWarning = (text: string): void => process.emitWarning(text, { code: 'SALLYPORT_GUARD' });

const plainDoorOf = (options: GuardOptions, mode: GuardMode): PlainDoor => {
  const { transitionUntil, clock, service, env, onPlain, onWarning = processWarning } = options;
  return createPlainDoor({
    verify: createPlainVerifier(options.plainSecrets ?? [plainSecretFrom(env ?? {})]),
    transition: mode === 'plain' ? undefined : createTransition(transitionUntil, () => clock?.nowMs() ?? Date.now()),
    onPlain,
    warn: (text) => onWarning(`${service}: ${text}`),
  });
};

type Check = (request: GuardRequest) => GuardDecision;

const pass = (caller: Caller): GuardDecision => ({ pass: true, caller });

const assertionCheck = (options: GuardOptions, refuse: Refuse): Check => {
  const verifier = verifierOf(options);
  const isPublic = routeMatcher(options.public);
  const { revocations } = options;
  return ({ method, target, values }) => {
    const lines = values(identityHeaders.assertion);
    // Which of two would a proxy in between have meant? Neither is believed.
    if (lines.length > 1) return refuse('assertion_invalid', 'ambiguous');
    const verified = verifier.verify(lines[0], { method, target });
    if (!verified.ok) return refuse(verified.code, verified.reason);
    const { identity } = verified;
    if (identity.kind === 'anonymous') {
      return isPublic(method, target) ? pass(identity) : refuse('assertion_missing', 'anonymous');
    }
    const ended = revocations && judgeRevocation(revocations, identity);
    return ended ? refuse(ended.code, ended.reason) : pass(identity);
  };
};

const plainCheck =
  (door: PlainDoor, refuse: Refuse): Check =>
  ({ values }) => {
    const verified = door.judge(values);
    if (verified === undefined) return refuse('assertion_missing', 'transition_ended');
    return verified.ok ? pass(verified.identity) : refuse(verified.code, verified.reason);
  };

/** An assertion that has come is judged, also an empty or a broken one: only where there is none does the plain signature count. */
const eitherCheck =
  (ofAssertion: Check, ofPlain: Check): Check =>
  (request) =>
    request.values(identityHeaders.assertion).length === 0 ? ofPlain(request) : ofAssertion(request);

/**
 * A guard for services behind the gateway; strict unless told otherwise: the signed assertion is the one thing it believes. None:
 * 401 `assertion_missing`; several, or a wrong one: 401 `assertion_invalid`; one used again: 401 `assertion_replayed`; with
 * `revocations` also 401 `token_revoked` and `token_stale`, and 503 `revocation_unavailable` before the first snapshot. Never
 * both absent: a request with neither assertion nor plain signature is refused in every mode. Routes are written `/path`,
 * `GET /path`, `/path/*`.
 * @throws TypeError for a misspelt option or one of another mode, a route of another form, missing keys, or a transition without end
 */
export const createGuard = (given: GuardOptions): AssertionGuard => {
  const options = checkOptions('createGuard', given, ['service'], names);
  const mode = modeOf(options);
  const refuse = refusals(options.texts, options.onRefusal);
  const isUnguarded = routeMatcher(options.unguarded);
  const door = mode === 'strict' ? undefined : plainDoorOf(options, mode);
  const ofPlain = door && plainCheck(door, refuse);
  const ofAssertion = mode === 'plain' ? undefined : assertionCheck(options, refuse);
  const believe = ofPlain && ofAssertion ? eitherCheck(ofAssertion, ofPlain) : (ofAssertion ?? ofPlain);
  if (believe === undefined) throw new TypeError(`createGuard: mode "${mode}" believes nothing`);

  return Object.freeze<AssertionGuard>({
    check: (request) => (isUnguarded(request.method, request.target) ? pass(undefined) : believe(request)),
    stats: () => Object.freeze({ plainAccepted: door?.accepted ?? 0 }),
  });
};
