import { type SignatureAlgorithm } from '@sallyport/contract';
import type { KeySource } from '../keys/key-source.ts';
import type { RevocationState, RevocationSubject } from './refusal.ts';
/** What tokens of an older issuer may lack. Each is off unless named. With any of them `sub` may come from `user_id`. */
export interface LegacyAllowances {
    /** `typ` absent or `JWT`. Every other type stays refused. */
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
    readonly legacy?: LegacyAllowances;
}
export interface AccessTokenVerifierOptions {
    /** At least one; names differ. */
    readonly issuers: readonly TrustedIssuer[];
    /** Default the system clock. */
    readonly clock?: {
        nowMs(): number;
    };
    /** Whole seconds by which clocks may differ, for `exp`, `nbf`, `iat`. Default 30, at most 300. */
    readonly leewaySeconds?: number;
    /** Longer tokens are refused. Default 8,192. */
    readonly maxTokenBytes?: number;
    /** Verified-token cache, default 16 MiB; `false`: none. */
    readonly cache?: {
        readonly maxBytes?: number;
    } | false;
    /** Asked for every token, cached ones too. Default: all are active. */
    readonly isRevoked?: (subject: RevocationSubject) => RevocationState;
}
export interface IssuerPolicy {
    readonly issuer: string;
    readonly audience: readonly string[];
    readonly algorithms: readonly SignatureAlgorithm[];
    readonly keys: KeySource;
    readonly legacy: Readonly<Required<LegacyAllowances>>;
    readonly isLegacy: boolean;
}
export interface VerifierPolicy {
    readonly issuers: ReadonlyMap<string, IssuerPolicy>;
    readonly nowMs: () => number;
    readonly leewayMs: number;
    readonly maxTokenBytes: number;
    readonly cacheBytes: number;
    readonly isRevoked: ((subject: RevocationSubject) => RevocationState) | undefined;
}
/** Checks the settings once and freezes what follows from them. */
export declare const verifierPolicy: (given: AccessTokenVerifierOptions) => VerifierPolicy;
