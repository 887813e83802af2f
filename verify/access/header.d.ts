import { type SignatureAlgorithm } from '@sallyport/contract';
import type { IssuerPolicy } from './policy.ts';
import type { RefusalReason } from './refusal.ts';
export interface CheckedHeader {
    readonly alg: SignatureAlgorithm;
    readonly kid: string | undefined;
    /** Lower-case, without `application/`; undefined when absent. */
    readonly typ: string | undefined;
}
/** Checks form and forbidden parameters of a JOSE header, for access tokens and assertions alike. */
export declare const checkHeader: (header: Readonly<Record<string, unknown>>) => CheckedHeader | RefusalReason;
/**
 * RFC 9068 §4: "The resource server MUST verify that the 'typ' header value is 'at+jwt' or 'application/at+jwt' and reject
 * tokens carrying any other value."
 */
export declare const isAccessTokenType: (typ: string | undefined, { legacy }: IssuerPolicy) => boolean;
