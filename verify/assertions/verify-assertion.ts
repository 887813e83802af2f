import { createSecretKey, type KeyObject } from 'node:crypto';
import {
  type AssertionClaims,
  assertionLifetimeSeconds,
  assertionType,
  defaultLeewaySeconds,
} from '@sallyport/contract';
import { type CheckedHeader, checkHeader } from '../access/header.ts';
import { type Anonymous, type Identity, identityOfAssertion } from '../guard/identity.ts';
import { type CompactFailure, compactParser } from '../jws/parse-compact.ts';
import { verifySignature } from '../jws/signature.ts';
import { checkOptions } from '../options.ts';
import { isAssertionClaims } from './assertion-claims.ts';
import { createReplayMemory, type ReplayMemory } from './replay-memory.ts';
import { targetHash } from './target-hash.ts';

/**
 * Assertions say who calls, judged by the gateway, for one service, one method, one target and 30 seconds. They are
 * judged here and nowhere else. The verifier reads no other header and holds its own service's keys only.
 */
export interface AssertionKey {
  readonly kid: string;
  /** 32 bytes: `assertionKey(master, service)`. */
  readonly key: Uint8Array;
}

export interface AssertionVerifierOptions {
  /** The service's id, compared with `aud`. */
  readonly service: string;
  /** The service's GATEWAY_ASSERTION_KEYS. */
  readonly keys: readonly AssertionKey[];
  /** The gateway's id. Default `gateway`. */
  readonly issuer?: string;
  readonly clock?: { nowMs(): number };
  /** Whole seconds. Default 30. */
  readonly leewaySeconds?: number;
  readonly replay?: {
    /** At least lifetime + twice the leeway, or an assertion could outlive its memory. Default that, or 90 where it is less. */
    readonly ttlSeconds?: number;
    /** Unsafe requests within `ttlSeconds`; beyond, they are refused. Default 262,144. */
    readonly maxEntries?: number;
  };
}

export interface AssertionTarget {
  readonly method: string;
  /** Path and query exactly as received on the wire. */
  readonly target: string;
}

export type AssertionReason =
  | CompactFailure
  | 'absent'
  | 'header'
  | 'algorithm'
  | 'type'
  | 'key_unknown'
  | 'signature'
  | 'claims'
  | 'issuer'
  | 'audience'
  | 'expired'
  | 'not_yet_valid'
  | 'method'
  | 'target'
  | 'replayed'
  | 'replay_memory_full';

export type AssertionVerification =
  | { readonly ok: true; readonly identity: Identity | Anonymous }
  | {
      readonly ok: false;
      /** `busy`: the memory of used assertions is full. */
      readonly code: 'assertion_missing' | 'assertion_invalid' | 'assertion_replayed' | 'busy';
      readonly reason: AssertionReason;
    };

export interface AssertionVerifier {
  /** Synchronous; never throws because of the assertion. For unsafe methods a second call with one assertion is refused. */
  verify(assertion: string | undefined, request: AssertionTarget): AssertionVerification;
  readonly replayEntries: number;
}

/** RFC 9110 §9.2.1: safe methods ask for no change, so repeating one does no harm. */
const safeMethods: readonly string[] = ['GET', 'HEAD', 'OPTIONS', 'TRACE'];
const maxAssertionBytes = 8192;
const codes = { absent: 'assertion_missing', replayed: 'assertion_replayed', replay_memory_full: 'busy' } as const;

const refuse = (reason: AssertionReason): AssertionVerification & { readonly ok: false } => {
  const special: Partial<Record<AssertionReason, 'assertion_missing' | 'assertion_replayed' | 'busy'>> = codes;
  return Object.freeze({ ok: false, code: special[reason] ?? 'assertion_invalid', reason });
};

const importKeys = (keys: readonly AssertionKey[]): ReadonlyMap<string, KeyObject> => {
  const byKid = new Map<string, KeyObject>();
  for (const { kid, key } of keys) {
    if (kid === '' || byKid.has(kid)) throw new TypeError('Assertion keys have distinct, non-empty kids');
    if (key.byteLength !== 32) throw new TypeError('An assertion key has 32 bytes');
    byKid.set(kid, createSecretKey(key));
  }
  if (byKid.size === 0) throw new TypeError('No assertion key given');
  return byKid;
};

const replayMemory = (given: AssertionVerifierOptions['replay'], leewaySeconds: number): ReplayMemory => {
  // Acceptable from iat - leeway to exp + leeway.
  const shortest = assertionLifetimeSeconds + 2 * leewaySeconds;
  const { ttlSeconds = Math.max(90, shortest), maxEntries = 262_144 } = checkOptions('replay', given ?? {}, [], {
    ttlSeconds: 0,
    maxEntries: 0,
  });
  if (ttlSeconds < shortest) throw new TypeError(`replay.ttlSeconds is under ${shortest}`);
  return createReplayMemory(ttlSeconds * 1000, maxEntries);
};

const checkAssertionHeader = (header: Readonly<Record<string, unknown>>): CheckedHeader | AssertionReason => {
  const checked = checkHeader(header);
  if (typeof checked === 'string') return checked === 'algorithm' ? 'algorithm' : 'header';
  if (checked.alg !== 'HS256') return 'algorithm';
  // RFC 8725 §3.11: an access token, also one signed with a key of the same bytes, is no assertion.
  return checked.typ === assertionType ? checked : 'type';
};

/** Signature first: what an unsigned text claims is not worth reading. */
const signedReader = (
  keys: ReadonlyMap<string, KeyObject>,
): ((assertion: string) => AssertionClaims | AssertionReason) => {
  const parse = compactParser<CheckedHeader, AssertionReason>(checkAssertionHeader, maxAssertionBytes);
  return (assertion) => {
    const jws = parse(assertion);
    if (typeof jws === 'string') return jws;
    const { kid } = jws.header;
    const key = kid === undefined ? undefined : keys.get(kid);
    if (!key) return 'key_unknown';
    if (!verifySignature('HS256', key, jws.signingInput, jws.signature)) return 'signature';
    return isAssertionClaims(jws.payload) ? Object.freeze(jws.payload) : 'claims';
  };
};

/**
 * Verifies what stands in `X-Gateway-Assertion`.
 * @throws TypeError for a misspelt or missing option, keys of another length than 32, or a replay memory that forgets too soon
 */
export const createAssertionVerifier = (given: AssertionVerifierOptions): AssertionVerifier => {
  const names = { issuer: 0, clock: 0, leewaySeconds: 0, replay: 0 };
  const options = checkOptions('createAssertionVerifier', given, ['service', 'keys'], names);
  const { service, issuer = 'gateway', clock, leewaySeconds = defaultLeewaySeconds } = options;
  if (service === '') throw new TypeError('The service id is empty');
  const readSigned = signedReader(importKeys(options.keys));
  const used = replayMemory(options.replay, leewaySeconds);
  const leewayMs = leewaySeconds * 1000;

  const judge = (claims: AssertionClaims, request: AssertionTarget, now: number): AssertionReason | undefined => {
    if (claims.iss !== issuer) return 'issuer';
    if (claims.aud !== service) return 'audience';
    if (now >= claims.exp * 1000 + leewayMs) return 'expired';
    if (now + leewayMs < claims.iat * 1000) return 'not_yet_valid';
    if (claims.mth !== request.method) return 'method';
    if (claims.pth !== targetHash(request.target)) return 'target';
    if (safeMethods.includes(request.method)) return undefined;
    const use = used.remember(claims.jti, now);
    if (use === 'new') return undefined;
    return use === 'seen' ? 'replayed' : 'replay_memory_full';
  };

  const verify = (assertion: string | undefined, request: AssertionTarget): AssertionVerification => {
    if (assertion === undefined || assertion === '') return refuse('absent');
    const claims = readSigned(assertion);
    if (typeof claims === 'string') return refuse(claims);
    const reason = judge(claims, request, clock ? clock.nowMs() : Date.now());
    return reason ? refuse(reason) : Object.freeze({ ok: true, identity: identityOfAssertion(claims) });
  };

  return Object.freeze({
    verify,
    get replayEntries() {
      return used.size;
    },
  });
};
