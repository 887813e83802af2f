/**
 * A request's header lines, read once: what may pass, what the gateway itself reads, and nothing of the rest. Never trusts a name
 * that a service could take for one of the gateway's own.
 */
import { connectionOptions, hopByHop } from './hop-by-hop.ts';
import { createNameTable } from './name-table.ts';
import { type ReservedName, reservedNameOf } from './reserved.ts';

export interface InboundHeaders {
  /** Lower-case name, value, …: goes on to every service. */
  readonly pass: readonly string[];
  /** Prefixes of the identity headers that were removed, one entry a line. */
  readonly reserved: readonly ReservedName[];
  readonly host: readonly string[];
  readonly authorization: readonly string[];
  readonly dpop: readonly string[];
  readonly csrf: readonly string[];
  readonly cookie: readonly string[];
  readonly origin: readonly string[];
  readonly fetchSite: readonly string[];
  readonly upgrade: readonly string[];
  readonly contentLength: readonly string[];
  readonly transferEncoding: readonly string[];
  readonly forwardedFor: readonly string[];
  readonly forwardedProto: readonly string[];
  readonly requestId: readonly string[];
  readonly traceparent: readonly string[];
  /** Lower-case name, value, …: what else tells of a trace. It goes on only where a trusted proxy sent it. */
  readonly traceContext: readonly string[];
  readonly agent: readonly string[];
  readonly preflightMethod: readonly string[];
}

type Field = Exclude<keyof InboundHeaders, 'pass' | 'reserved' | 'traceContext'>;
/** `keep`: passes and is read as well. */
interface Kind {
  readonly field?: Field | 'connection';
  readonly keep?: boolean;
  readonly isTraceContext?: boolean;
  readonly reserved?: ReservedName;
}

const drop: Kind = Object.freeze({});
const pass: Kind = Object.freeze({ keep: true });
const traceContext: Kind = Object.freeze({ isTraceContext: true });

const kinds: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ...hopByHop.map((name): [string, Kind] => [name, drop]),
  // Written anew by the gateway or by the client that speaks to the service; `expect` is answered here.
  ...['expect', 'forwarded', 'x-real-ip'].map((name): [string, Kind] => [name, drop]),
  // Other products' names for the client's address and for the host: a service behind many a framework believes them unasked.
  ...[
    'x-client-ip',
    'client-ip',
    'true-client-ip',
    'x-cluster-client-ip',
    'cf-connecting-ip',
    'cf-connecting-ipv6',
  ].map((name): [string, Kind] => [name, drop]),
  ...['fastly-client-ip', 'x-appengine-user-ip', 'x-azure-clientip', 'x-envoy-external-address'].map(
    (name): [string, Kind] => [name, drop],
  ),
  ...['x-forwarded', 'forwarded-for', 'x-original-forwarded-for', 'x-original-host', 'x-host'].map(
    (name): [string, Kind] => [name, drop],
  ),
  // A service that read one of these would act on another method or target than the one that was judged and signed.
  ...['x-http-method-override', 'x-http-method', 'x-method-override'].map((name): [string, Kind] => [name, drop]),
  ...['x-original-method', 'x-original-uri', 'x-original-url', 'x-rewrite-url', 'x-override-url'].map(
    (name): [string, Kind] => [name, drop],
  ),
  ['connection', { field: 'connection' }],
  ['host', { field: 'host' }],
  ['content-length', { field: 'contentLength' }],
  ['transfer-encoding', { field: 'transferEncoding' }],
  ['upgrade', { field: 'upgrade' }],
  ['authorization', { field: 'authorization' }],
  ['dpop', { field: 'dpop' }],
  ['x-csrf-token', { field: 'csrf' }],
  ['cookie', { field: 'cookie' }],
  ['x-forwarded-for', { field: 'forwardedFor' }],
  ['x-forwarded-proto', { field: 'forwardedProto' }],
  ['x-request-id', { field: 'requestId' }],
  ['traceparent', { field: 'traceparent' }],
  // A service whose tracing reads one of these would record, or believe, whatever a stranger asks for.
  ...['tracestate', 'baggage', 'b3', 'uber-trace-id', 'x-amzn-trace-id', 'x-cloud-trace-context', 'sentry-trace'].map(
    (name): [string, Kind] => [name, traceContext],
  ),
  ['origin', { field: 'origin', keep: true }],
  ['sec-fetch-site', { field: 'fetchSite', keep: true }],
  ['user-agent', { field: 'agent', keep: true }],
  ['access-control-request-method', { field: 'preflightMethod', keep: true }],
]);

const traceContextPrefixes = ['x-b3-', 'x-datadog-', 'uberctx-', 'ot-baggage-', 'ot-tracer-'];

const kindOf = (folded: string): Kind | undefined => {
  const reserved = reservedNameOf(folded);
  if (reserved !== undefined) return { reserved };
  const known = kinds.get(folded);
  if (known !== undefined) return known;
  if (traceContextPrefixes.some((prefix) => folded.startsWith(prefix))) return traceContext;
  return folded.startsWith('x-forwarded-') ? drop : undefined;
};
/** A foreign spelling is neither read nor passed on. */
const ofForeign = (kind: Kind): Kind => (kind.reserved === undefined ? drop : kind);

const nameOf = createNameTable<Kind>(kindOf, ofForeign, pass);

const none: readonly string[] = Object.freeze([]);

export const noHeaders: InboundHeaders = Object.freeze({
  pass: none,
  reserved: [],
  host: none,
  authorization: none,
  dpop: none,
  csrf: none,
  cookie: none,
  origin: none,
  fetchSite: none,
  upgrade: none,
  contentLength: none,
  transferEncoding: none,
  forwardedFor: none,
  forwardedProto: none,
  requestId: none,
  traceparent: none,
  traceContext: none,
  agent: none,
  preflightMethod: none,
});

/** Reads `rawHeaders`: name, value, name, value. */
export const readInboundHeaders = (raw: readonly string[]): InboundHeaders => {
  const passing: string[] = [];
  const headers: { -readonly [Name in keyof InboundHeaders]: InboundHeaders[Name] } = { ...noHeaders };
  let connection = none;
  for (let at = 0; at < raw.length; at += 2) {
    const value = raw[at + 1] ?? '';
    const { lower, kind } = nameOf(raw[at] ?? '');
    if (kind.keep === true) passing.push(lower, value);
    else if (kind.isTraceContext === true) headers.traceContext = [...headers.traceContext, lower, value];
    if (kind.field === 'connection') connection = [...connection, value];
    else if (kind.field !== undefined) headers[kind.field] = added(headers[kind.field], value);
    else if (kind.reserved !== undefined) headers.reserved = [...headers.reserved, kind.reserved];
  }
  const listed = connectionOptions(connection);
  headers.pass = withoutListed(passing, listed);
  headers.traceContext = withoutListed(headers.traceContext, listed);
  return headers;
};

const added = (values: readonly string[], value: string): readonly string[] =>
  values.length === 0 ? [value] : [...values, value];

/**
 * RFC 9110 §7.6.1: an intermediary removes the fields that `Connection` lists. It reaches what the client sent and nothing
 * else: the gateway's own headers are added afterwards.
 */
const withoutListed = (passing: readonly string[], listed: readonly string[]): readonly string[] => {
  if (listed.length === 0) return passing;
  return passing.filter((_, at) => !listed.includes(passing[at - (at % 2)] ?? ''));
};

/** RFC 9112 §6.3: a request has a body exactly when one of the two says so. */
export const hasBody = ({ transferEncoding, contentLength }: InboundHeaders): boolean =>
  transferEncoding.length > 0 || Number(contentLength[0] ?? 0) > 0;
