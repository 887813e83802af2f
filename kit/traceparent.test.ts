import { formatTraceparent, parseTraceparent } from '@sallyport/contract';
import { describe, expect, it } from 'vitest';
import { insecureSeededRandom } from './random.ts';
import { childOf } from './traceparent.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';
const header = `00-${traceId}-${spanId}-01`;

describe('parseTraceparent', () => {
  it('reads the header of the specification, and those of later versions', () => {
    expect(parseTraceparent(header)).toEqual({ traceId, spanId, sampled: true });
    expect(parseTraceparent(`00-${traceId}-${spanId}-00`)?.sampled).toBe(false);
    expect(parseTraceparent(`00-${traceId}-${spanId}-02`)?.sampled).toBe(false);
    expect(parseTraceparent(`cc-${traceId}-${spanId}-01-what-the-future-brings`)).toEqual({
      traceId,
      spanId,
      sampled: true,
    });
  });

  it.each([
    undefined,
    [header, header],
    '',
    header.toUpperCase(),
    ` ${header}`,
    `${header}-`,
    `${header}-more`,
    `${header}\n`,
    `ff-${traceId}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId}-${spanId}`,
    `00-${traceId.slice(1)}-${spanId}-01`,
    `cc-${traceId}-${spanId}-01-${'a'.repeat(600)}`,
  ])('ignores %j', (malformed) => {
    expect(parseTraceparent(malformed)).toBeUndefined();
  });
});

describe('childOf', () => {
  it('stays in the trace of the caller with a span of its own', () => {
    const child = childOf(header, insecureSeededRandom(1));
    expect(child).toMatchObject({ traceId, parentSpanId: spanId, sampled: true });
    expect(child.spanId).not.toBe(spanId);
    expect(parseTraceparent(formatTraceparent(child))).toEqual({ traceId, spanId: child.spanId, sampled: true });
  });

  it('starts a trace where there is none', () => {
    const random = insecureSeededRandom(1);
    const [one, other] = [childOf(undefined, random), childOf('nonsense', random)];
    expect(one.traceId).not.toBe(other.traceId);
    expect(parseTraceparent(formatTraceparent(one))).toEqual(one);
  });

  it('never draws the id that means none', () => {
    const child = childOf(undefined, { bytes: (count) => Buffer.alloc(count) });
    expect(parseTraceparent(formatTraceparent(child))).toEqual(child);
  });
});
