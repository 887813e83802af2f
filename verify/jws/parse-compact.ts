import { decodeBase64url } from './base64url.ts';
import { parseStrictObject } from './strict-json.ts';

type Json = Readonly<Record<string, unknown>>;

export interface CompactJws<Header> {
  readonly header: Header;
  /** The caller's own; what is nested in it is frozen. */
  readonly payload: Record<string, unknown>;
  /** Every string of the payload is printable ASCII. */
  readonly plain: boolean;
  /** RFC 7515 §5.2 step 8: ASCII(BASE64URL(header) || '.' || BASE64URL(payload)). */
  readonly signingInput: Buffer;
  readonly signature: Buffer;
}

export type CompactFailure = 'oversize' | 'malformed' | 'encoding' | 'header_json' | 'payload_json';

/** Issuers write few different headers; beyond this many the memory starts anew. */
const maxHeaders = 64;
const maxHeaderLength = 512;

/**
 * A parser of compact JWS (RFC 7515 §3.1): exactly three canonical parts, two JSON objects. Headers repeat from token to
 * token, so the judgement of a header that passed is kept under its text.
 * @param checkHeader judges a decoded header; text is the reason of a refusal
 */
export const compactParser = <Header extends object, Reason extends string>(
  checkHeader: (header: Json) => Header | Reason,
  maxBytes: number,
): ((token: unknown) => CompactJws<Header> | Reason | CompactFailure) => {
  const headers = new Map<string, Header>();

  const readHeader = (segment: string): Header | Reason | CompactFailure => {
    const known = headers.get(segment);
    if (known) return known;
    const bytes = decodeBase64url(segment);
    if (!bytes) return 'encoding';
    const parsed = parseStrictObject(bytes);
    if (!parsed) return 'header_json';
    const header = checkHeader(parsed.value);
    if (typeof header === 'string' || segment.length > maxHeaderLength) return header;
    if (headers.size >= maxHeaders) headers.clear();
    headers.set(Buffer.from(segment, 'latin1').toString('latin1'), header);
    return header;
  };

  return (token) => {
    if (typeof token !== 'string') return 'malformed';
    if (token.length > maxBytes) return 'oversize';
    const first = token.indexOf('.');
    const second = token.indexOf('.', first + 1);
    if (first < 1 || second < 0 || token.indexOf('.', second + 1) >= 0) return 'malformed';
    const header = readHeader(token.slice(0, first));
    if (typeof header === 'string') return header;
    const bytes = decodeBase64url(token.slice(first + 1, second));
    const signature = decodeBase64url(token.slice(second + 1));
    if (!bytes || !signature) return 'encoding';
    const payload = parseStrictObject(bytes);
    if (!payload) return 'payload_json';
    const signingInput = Buffer.from(token.slice(0, second), 'latin1');
    return { header, payload: payload.value, plain: payload.plain, signingInput, signature };
  };
};
