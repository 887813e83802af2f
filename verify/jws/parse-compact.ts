import { decodeBase64url } from './base64url.ts';
import { parseStrictObject } from './strict-json.ts';

export interface CompactJws {
  readonly ok: true;
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>>;
  /** RFC 7515 §5.2 step 8: ASCII(BASE64URL(header) || '.' || BASE64URL(payload)). */
  readonly signingInput: Buffer;
  readonly signature: Buffer;
}

export type CompactFailure = 'oversize' | 'malformed' | 'encoding' | 'header_json' | 'payload_json';

const failure = (reason: CompactFailure): { readonly ok: false; readonly reason: CompactFailure } =>
  Object.freeze({ ok: false, reason });
const oversize = failure('oversize');
const malformed = failure('malformed');
const encoding = failure('encoding');
const headerJson = failure('header_json');
const payloadJson = failure('payload_json');

/** Splits and decodes a compact JWS (RFC 7515 §3.1) without judging it: exactly three canonical parts, two JSON objects. */
export const parseCompact = (
  token: unknown,
  maxBytes: number,
): CompactJws | { readonly ok: false; readonly reason: CompactFailure } => {
  if (typeof token !== 'string') return malformed;
  if (token.length > maxBytes) return oversize;
  const first = token.indexOf('.');
  const second = token.indexOf('.', first + 1);
  if (first < 1 || second < 0 || token.indexOf('.', second + 1) >= 0) return malformed;
  const headerBytes = decodeBase64url(token.slice(0, first));
  const payloadBytes = decodeBase64url(token.slice(first + 1, second));
  const signature = decodeBase64url(token.slice(second + 1));
  if (!headerBytes || !payloadBytes || !signature) return encoding;
  const header = parseStrictObject(headerBytes);
  if (!header) return headerJson;
  const payload = parseStrictObject(payloadBytes);
  if (!payload) return payloadJson;
  return { ok: true, header, payload, signingInput: Buffer.from(token.slice(0, second), 'latin1'), signature };
};
