import type { TokenType } from '@sallyport/contract';
import { parseBearer } from './parse-bearer.ts';

export type AuthorizationParse =
  | { readonly ok: true; readonly scheme: TokenType; readonly token: string }
  | { readonly ok: false; readonly code: 'token_missing' | 'authorization_malformed' };

/** RFC 9449 §7.1: "DPoP" 1*SP token68, here with exactly one space; RFC 9110 §11.1: the scheme is case-insensitive. */
const dpop = /^dpop ([A-Za-z0-9\-._~+/]+=*)$/i;

/**
 * Reads the access token of a request from its `Authorization` header, in either scheme.
 * @param values every line of the header; several are malformed, none and empty are missing
 */
export const parseAuthorization = (values: readonly string[]): AuthorizationParse => {
  const token = values.length === 1 ? dpop.exec(values[0] ?? '')?.[1] : undefined;
  if (token !== undefined) return { ok: true, scheme: 'DPoP', token };
  const parsed = parseBearer(values);
  return parsed.ok ? { ok: true, scheme: 'Bearer', token: parsed.token } : parsed;
};
