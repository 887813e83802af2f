/** Spans of this server in the trace of whoever calls it: ids are drawn here, the header itself is `contract`'s. */
import { parseTraceparent, type TraceContext } from '@sallyport/contract';
import type { Random } from './random.ts';

/** A span of our own: in the caller's trace where its header is good, else in a new one (not sampled). */
export const childOf = (
  header: string | readonly string[] | undefined,
  random: Pick<Random, 'bytes'>,
): TraceContext => {
  const parent = header === undefined ? undefined : parseTraceparent(header);
  if (parent !== undefined) {
    const spanId = newSpanId(random);
    return { traceId: parent.traceId, spanId, parentSpanId: parent.spanId, sampled: parent.sampled };
  }
  // One draw for both: this stands in the path of every request.
  const drawn = random.bytes(24).toString('hex');
  return { traceId: nonZero(drawn.slice(0, 32)), spanId: nonZero(drawn.slice(32)), sampled: false };
};

/** For a span inside this server. */
export const newSpanId = (random: Pick<Random, 'bytes'>): string => nonZero(random.bytes(8).toString('hex'));

const zeros = '0'.repeat(32);
const nonZero = (hex: string): string => (zeros.startsWith(hex) ? `1${hex.slice(1)}` : hex);
