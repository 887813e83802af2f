import { setTimeout as sleep } from 'node:timers/promises';
import { Problem, type TraceContext } from '@sallyport/contract';
import { describe, expect, it } from 'vitest';
import { manualClock } from './clock.ts';
import { insecureSeededRandom } from './random.ts';
import { createSpans } from './spans.ts';
import { childOf } from './traceparent.ts';
import type { EndedSpan } from './tracing.ts';

const rig = (draws = true) => {
  const recorded: EndedSpan[] = [];
  const random = insecureSeededRandom(1);
  let elapsed = 0;
  const spans = createSpans({
    tracing: { draws: () => draws, record: (span) => void recorded.push(span) },
    ...{ clock: manualClock(1_000_000), random },
    elapsedMs: () => {
      elapsed += 1;
      return elapsed;
    },
  });
  return { spans, recorded, begin: (trace: TraceContext = childOf(undefined, random)) => spans.begin(trace) };
};
const answered = { name: 'GET /x', attributes: {}, isError: false };

describe('createSpans', () => {
  it('hangs work below whatever it is done for, across waits and side by side', async () => {
    const { spans, recorded, begin } = rig();
    const request = async (name: string) => {
      const span = begin();
      await spans.within(span, async () => {
        await sleep(1);
        await Promise.all([
          spans.around(`${name} 1`, {}, () => spans.around(`${name} 1.1`, {}, () => sleep(1, undefined))),
          spans.around(`${name} 2`, {}, async () => undefined),
        ]);
      });
      span.end({ ...answered, name });
    };
    await Promise.all([request('a'), request('b')]);
    expect(recorded).toHaveLength(8);
    for (const name of ['a', 'b']) {
      const of = (full: string) => recorded.find((span) => span.name === full);
      expect(of(`${name} 1`)).toMatchObject({ parentSpanId: of(name)?.spanId, traceId: of(name)?.traceId });
      expect(of(`${name} 1.1`)).toMatchObject({ parentSpanId: of(`${name} 1`)?.spanId, kind: 'internal' });
      expect(of(`${name} 2`)).toMatchObject({ parentSpanId: of(name)?.spanId });
    }
  });

  it('does the work alone where nothing is recorded, and records nothing that ends after its request', async () => {
    const { spans, recorded, begin } = rig(false);
    expect(await spans.around('alone', {}, async () => 7)).toBe(7);
    expect([spans.wait('alone'), spans.current()]).toEqual([undefined, undefined]);
    expect(
      await spans.alone(
        'undrawn',
        {},
        async () => 8,
        () => true,
      ),
    ).toBe(8);
    const span = begin();
    const late = spans.within(span, () => spans.around('late', {}, () => sleep(5, undefined)));
    span.end(answered);
    span.end({ ...answered, name: 'twice' });
    await late;
    expect(spans.within(span, () => spans.current())).toBeUndefined();
    expect(recorded.map(({ name }) => name)).toEqual(['GET /x']);
  });

  it('tells of a failure its code or class, never its message', async () => {
    const { spans, recorded, begin } = rig();
    const span = begin();
    const failing = (error: unknown) =>
      spans
        .within(span, () =>
          spans.around('work', {}, async () => {
            throw error;
          }),
        )
        .catch(() => undefined);
    await failing(new Problem('busy', { retryAfterSeconds: 1 }));
    await failing(new RangeError('planted-secret'));
    await failing('planted-secret');
    expect(recorded.map(({ attributes, isError }) => [attributes['error.type'], isError])).toEqual([
      ...[
        ['busy', true],
        ['RangeError', true],
        ['unknown', true],
      ],
    ]);
    expect(JSON.stringify(recorded)).not.toContain('planted-secret');
  });
});
