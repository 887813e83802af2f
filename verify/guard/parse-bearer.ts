export type BearerParse =
  | { readonly ok: true; readonly token: string }
  | { readonly ok: false; readonly code: 'token_missing' | 'authorization_malformed' };

/** RFC 6750 §2.1: "Bearer" 1*SP b64token, here with exactly one space; RFC 9110 §11.1: the scheme is case-insensitive. */
const bearer = /^bearer ([A-Za-z0-9\-._~+/]+=*)$/i;

const missing: BearerParse = Object.freeze({ ok: false, code: 'token_missing' });
const malformed: BearerParse = Object.freeze({ ok: false, code: 'authorization_malformed' });

/**
 * Reads the access token of a request from its `Authorization` header.
 * @param values every line of the header; several are malformed, none and empty are missing
 */
export const parseBearer = (values: readonly string[]): BearerParse => {
  const [value = ''] = values;
  if (values.length > 1) return malformed;
  if (value === '') return missing;
  const token = bearer.exec(value)?.[1];
  return token === undefined ? malformed : { ok: true, token };
};
