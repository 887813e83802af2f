/** A service's answer headers on their way out: no connection fields, no identity, no CORS but the gateway's. */
import { connectionOptions, hopByHop } from './hop-by-hop.ts';
import { createNameTable } from './name-table.ts';
import { reservedNameOf } from './reserved.ts';

type Kind = 'pass' | 'setCookie' | 'drop' | 'connection' | 'transferEncoding' | 'contentLength';

const kinds: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ...hopByHop.map((name): [string, Kind] => [name, 'drop']),
  ['connection', 'connection'],
  ['transfer-encoding', 'transferEncoding'],
  ['set-cookie', 'setCookie'],
  ['content-length', 'contentLength'],
  // The gateway's own stands there.
  ['x-request-id', 'drop'],
]);

const kindOf = (folded: string): Kind | undefined =>
  reservedNameOf(folded) !== undefined || folded.startsWith('access-control-') ? 'drop' : kinds.get(folded);

const nameOf = createNameTable<Kind>(kindOf, () => 'drop', 'pass');

const none: readonly string[] = Object.freeze([]);

/** A cookie without a name is sent as its value alone, so `=a=b` comes back as `a=b` (RFC 6265bis §5.7). */
const cookieName = (line: string): string => /^[\s=]*([^=;]*)/.exec(line)?.[1]?.trim() ?? '';

/** RFC 9110 §8.6: no Content-Length with 204. */
const hasNoLength = (status: number): boolean => status === 204;

/**
 * Name, value, …, of a service's raw header lines.
 * @param keptCookies names that this service may not set: who fixes a refresh token of his own in a browser has its user work for him
 * @returns undefined where the body came in a transfer coding that the client on our side has not undone
 */
export const readOutboundHeaders = (
  raw: readonly string[],
  status: number,
  keptCookies: readonly string[] = none,
): string[] | undefined => {
  const headers: string[] = [];
  const connection: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const value = raw[at + 1] ?? '';
    const { lower, kind } = nameOf(raw[at] ?? '');
    if (kind === 'setCookie') {
      if (!keptCookies.includes(cookieName(value))) headers.push(lower, value);
    } else if (kind === 'pass' || (kind === 'contentLength' && !hasNoLength(status))) headers.push(lower, value);
    else if (kind === 'connection') connection.push(value);
    else if (kind === 'transferEncoding' && value.trim().toLowerCase() !== 'chunked') return undefined;
  }
  const listed = connectionOptions(connection);
  return listed.length === 0 ? headers : headers.filter((_, at) => !listed.includes(headers[at - (at % 2)] ?? ''));
};
