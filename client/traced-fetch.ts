/**
 * Entry `@sallyport/client/traced-fetch`: a `fetch` that opens a trace for each request (W3C Trace Context), so that what a page or a
 * program saw can be found in the logs and spans of gateway, issuer and services. For `fetch` of the token manager and the API client;
 * who wants no traces does not load it.
 */

/** The request's own span: what servers name as the parent of theirs. */
export interface RequestTrace {
  /** 32 hex digits: in a message to the support it finds every line about the request. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
}

export interface TracedFetchOptions {
  /** Default: the global one. */
  readonly fetch?: typeof globalThis.fetch;
  /** The `traceparent` of a span of one's own, such as that of a user's click; the request is then in its trace. Anything malformed is passed over. */
  readonly parent?: () => string | undefined;
  /** Asks servers to record the request. They listen where they trust the caller, which a browser never is. Default false. */
  readonly sampled?: boolean;
  /** Told of every request before it is sent. */
  readonly onRequest?: (
    trace: RequestTrace,
    request: { readonly method: string; readonly startedAtMs: number },
  ) => void;
}

const form = /^00-([0-9a-f]{32})-([0-9a-f]{16})-0([0-9a-f])$/;
const noId = /^0+$/;

/** Adds `traceparent`, and leaves one that is already there. Give it only to what calls your own servers. */
export const tracedFetch =
  ({ fetch, parent, sampled = false, onRequest }: TracedFetchOptions = {}): typeof globalThis.fetch =>
  (input, init) => {
    const send = fetch ?? globalThis.fetch;
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
    if (headers.has('traceparent')) return send(input, init);
    const [, given = '', parentSpan = '', flags = '0'] = form.exec(parent?.() ?? '') ?? [];
    const isGiven = given !== '' && !noId.test(given) && !noId.test(parentSpan);
    const trace: RequestTrace = { traceId: isGiven ? given : hexOf(16), spanId: hexOf(8) };
    const isSampled = sampled || (isGiven && (Number.parseInt(flags, 16) & 1) === 1);
    headers.set('traceparent', `00-${trace.traceId}-${trace.spanId}-0${isSampled ? 1 : 0}`);
    const method = init?.method ?? (input instanceof Request ? input.method : 'GET');
    onRequest?.(trace, { method, startedAtMs: Date.now() });
    return send(input, { ...init, headers });
  };

const hexOf = (bytes: number): string =>
  [...crypto.getRandomValues(new Uint8Array(bytes))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
