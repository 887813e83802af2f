import { defaultLeewaySeconds, isSignatureAlgorithm, type SignatureAlgorithm } from '@sallyport/contract';
import type { KeySource } from '../keys/key-source.ts';
import { checkOptions } from '../options.ts';
import type { RevocationState, RevocationSubject } from './refusal.ts';

/** What tokens of an older issuer may lack. Each is off unless named. With any of them the user is `user_id`, else `sub`. */
export interface LegacyAllowances {
  /** `typ` absent or `JWT`. Every other type stays refused, and so does a payload that says it is another token. */
  readonly allowMissingTyp?: boolean;
  readonly allowMissingAudience?: boolean;
  readonly allowMissingJti?: boolean;
  /** Such tokens can be revoked by user only. */
  readonly allowMissingSid?: boolean;
  /** All keys of the issuer that fit the algorithm are tried. */
  readonly allowMissingKid?: boolean;
}

export interface TrustedIssuer {
  /** `iss`, compared exactly. */
  readonly issuer: string;
  /** One of these has to be in `aud`. May be left out only with `legacy.allowMissingAudience`; then a token with `aud` is refused. */
  readonly audience?: string | readonly string[];
  /** RFC 8725 §3.1: the algorithms allowed, never taken from the token. */
  readonly algorithms: readonly SignatureAlgorithm[];
  readonly keys: KeySource;
  /**
   * A short name that is set before the ids of this issuer's making: `sub`, `user_id`, `sid`, `device_id` become `partner|42`. Of
   * several issuers all but one need one, each its own: else one could name another's users. Lower-case letters, digits, `-`.
   */
  readonly idScope?: string;
  readonly legacy?: LegacyAllowances;
}

export interface AccessTokenVerifierOptions {
  /** At least one; names differ. */
  readonly issuers: readonly TrustedIssuer[];
  /** Default the system clock. */
  readonly clock?: { nowMs(): number };
  /** Whole seconds by which clocks may differ, for `exp`, `nbf`, `iat`. Default 30, at most 300. */
  readonly leewaySeconds?: number;
  /** Longer tokens are refused. Default 8,192. */
  readonly maxTokenBytes?: number;
  /** Verified-token cache, default 16 MiB; `false`: none. */
  readonly cache?: { readonly maxBytes?: number } | false;
  /** Asked for every token, cached ones too. Default: all are active. */
  readonly isRevoked?: (subject: RevocationSubject) => RevocationState;
}

export interface IssuerPolicy {
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly algorithms: readonly SignatureAlgorithm[];
  readonly keys: KeySource;
  readonly idScope: string | undefined;
  readonly legacy: Readonly<Required<LegacyAllowances>>;
  readonly isLegacy: boolean;
}

export interface VerifierPolicy {
  readonly issuers: ReadonlyMap<string, IssuerPolicy>;
  /** Several issuers: an id without scope may not look like one with. */
  readonly hasScopes: boolean;
  readonly nowMs: () => number;
  readonly leewayMs: number;
  readonly maxTokenBytes: number;
  readonly cacheBytes: number;
  readonly isRevoked: ((subject: RevocationSubject) => RevocationState) | undefined;
}

const noAllowance: Readonly<Required<LegacyAllowances>> = Object.freeze({
  allowMissingTyp: false,
  allowMissingAudience: false,
  allowMissingJti: false,
  allowMissingSid: false,
  allowMissingKid: false,
});
const defaultCacheBytes = 16 * 1024 * 1024;
const maxLeewaySeconds = 300;

const scopeForm = /^[a-z0-9][a-z0-9-]{0,62}$/;

const isText = (value: unknown): value is string => typeof value === 'string' && value.length > 0;

const issuerPolicy = (given: TrustedIssuer): IssuerPolicy => {
  const options = checkOptions('issuer', given, ['issuer', 'algorithms', 'keys'], {
    audience: 0,
    idScope: 0,
    legacy: 0,
  });
  const legacy = { ...noAllowance, ...checkOptions('issuer.legacy', options.legacy ?? {}, [], noAllowance) };
  const audience = options.audience === undefined ? [] : [options.audience].flat();
  if (!isText(options.issuer)) throw new TypeError('issuer: the name is empty');
  if (options.algorithms.length === 0 || !options.algorithms.every(isSignatureAlgorithm)) {
    throw new TypeError('issuer: algorithms are a non-empty list of HS256, RS256, PS256, ES256, EdDSA');
  }
  if (typeof options.keys?.current !== 'function') throw new TypeError('issuer: keys is not a key source');
  if (options.idScope !== undefined && !scopeForm.test(options.idScope)) {
    throw new TypeError('issuer: idScope is lower-case letters, digits and `-`');
  }
  // RFC 8725 §3.9: without an expected audience a token for another service would pass.
  if (!audience.every(isText) || (audience.length === 0 && !legacy.allowMissingAudience)) {
    throw new TypeError('issuer: audience is missing (legacy.allowMissingAudience admits tokens without one)');
  }
  return Object.freeze({
    issuer: options.issuer,
    audience: Object.freeze(audience),
    algorithms: Object.freeze([...options.algorithms]),
    keys: options.keys,
    idScope: options.idScope,
    legacy: Object.freeze(legacy),
    isLegacy: Object.values(legacy).includes(true),
  });
};

const cacheBytes = (cache: AccessTokenVerifierOptions['cache']): number => {
  if (cache === false) return 0;
  return checkOptions('cache', cache ?? {}, [], { maxBytes: 0 }).maxBytes ?? defaultCacheBytes;
};

const leewayMs = (leewaySeconds = defaultLeewaySeconds): number => {
  if (!Number.isInteger(leewaySeconds) || leewaySeconds < 0 || leewaySeconds > maxLeewaySeconds) {
    throw new TypeError(`leewaySeconds is a whole number from 0 to ${maxLeewaySeconds}`);
  }
  return leewaySeconds * 1000;
};

const optionNames = { clock: 0, leewaySeconds: 0, maxTokenBytes: 0, cache: 0, isRevoked: 0 };

/** Checks the settings once and freezes what follows from them. */
export const verifierPolicy = (given: AccessTokenVerifierOptions): VerifierPolicy => {
  const options = checkOptions('createAccessTokenVerifier', given, ['issuers'], optionNames);
  const issuers = options.issuers.map(issuerPolicy);
  const byName = new Map(issuers.map((policy) => [policy.issuer, policy]));
  if (issuers.length === 0 || byName.size !== issuers.length) throw new TypeError('issuers are empty or named twice');
  // Two without would be equal too.
  if (new Set(issuers.map(({ idScope }) => idScope)).size !== issuers.length) {
    throw new TypeError('issuers: of several, all but one need an idScope, each its own');
  }
  const { clock } = options;
  return Object.freeze({
    issuers: byName,
    hasScopes: issuers.some(({ idScope }) => idScope !== undefined),
    nowMs: clock ? () => clock.nowMs() : Date.now,
    leewayMs: leewayMs(options.leewaySeconds),
    maxTokenBytes: options.maxTokenBytes ?? 8192,
    cacheBytes: cacheBytes(options.cache),
    isRevoked: options.isRevoked,
  });
};
