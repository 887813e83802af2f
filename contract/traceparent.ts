/**
 * W3C Trace Context, level 1: the header `traceparent` passes through every server, each adding its own span id, so that
 * one trace id stands in all their log lines. The format: https://www.w3.org/TR/trace-context-1/.
 * Never: trusts the header for anything but log and trace; it is the client's.
 */

export interface TraceContext {
  /** 32 lower-case hex digits, the same in every server of the request. */
  readonly traceId: string;
  /** 16 lower-case hex digits: the span of whoever sends the header. */
  readonly spanId: string;
  /** The span of whoever sent it to us; undefined: nobody sent one. */
  readonly parentSpanId?: string | undefined;
  /** The caller wants this trace recorded. */
  readonly sampled: boolean;
}

// §3.2.2: version 00 is exactly these four fields; a higher version may append more after a dash; ff is forbidden.
const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const sampledFlag = 0x01;
const headerLimitCharacters = 512;

/** The context in a `traceparent` header, or `undefined` where it is missing, repeated or malformed (§3.2.2.2: then ignored). */
export const parseTraceparent = (header: string | readonly string[] | undefined): TraceContext | undefined => {
  if (typeof header !== 'string' || header.length > headerLimitCharacters) return undefined;
  const [, version, traceId = '', spanId = '', flags = '', more] = form.exec(header) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  // §3.2.2.3, §3.2.2.4: all zeroes is no id.
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return Object.freeze({ traceId, spanId, sampled: (Number.parseInt(flags, 16) & sampledFlag) !== 0 });
};

/** The header to send on: version 00 (§2.2.5: a vendor sends the version it implements), no flag but `sampled`. */
export const formatTraceparent = ({ traceId, spanId, sampled }: TraceContext): string =>
  `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
