/** A service's answer headers on their way out: no connection fields, no identity, no CORS but the gateway's. */
import { connectionOptions, hopByHop } from './hop-by-hop.ts';
import { createNameTable } from './name-table.ts';
import { reservedNameOf } from './reserved.ts';

type Kind = 'pass' | 'drop' | 'connection' | 'transferEncoding' | 'contentLength';

const kinds: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ...hopByHop.map((name): [string, Kind] => [name, 'drop']),
  ['connection', 'connection'],
  ['transfer-encoding', 'transferEncoding'],
  ['content-length', 'contentLength'],
  // The gateway's own stands there.
  ['x-request-id', 'drop'],
]);

const kindOf = (folded: string): Kind | undefined =>
  reservedNameOf(folded) !== undefined || folded.startsWith('access-control-') ? 'drop' : kinds.get(folded);

const nameOf = createNameTable<Kind>(kindOf, () => 'drop', 'pass');

/** RFC 9110 §8.6: no Content-Length with 204. */
const hasNoLength = (status: number): boolean => status === 204;

/**
 * Name, value, …, of a service's raw header lines.
 * @returns undefined where the body came in a transfer coding that the client on our side has not undone
 */
export const readOutboundHeaders = (raw: readonly string[], status: number): string[] | undefined => {
  const headers: string[] = [];
  const connection: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const value = raw[at + 1] ?? '';
    const { lower, kind } = nameOf(raw[at] ?? '');
    if (kind === 'pass' || (kind === 'contentLength' && !hasNoLength(status))) headers.push(lower, value);
    else if (kind === 'connection') connection.push(value);
    else if (kind === 'transferEncoding' && value.trim().toLowerCase() !== 'chunked') return undefined;
  }
  const listed = connectionOptions(connection);
  return listed.length === 0 ? headers : headers.filter((_, at) => !listed.includes(headers[at - (at % 2)] ?? ''));
};
