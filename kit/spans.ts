/**
 * What a recorded request waits for, as spans below its own. The span that is under way travels with the work (AsyncLocalStorage),
 * so that a store knows nothing of requests. Made only where spans are sent; of a request that is not recorded nothing is kept.
 * Never: takes a name or an attribute from what a caller sent, or waits for a collector.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Problem, type TraceContext } from '@sallyport/contract';
import type { Clock } from './clock.ts';
import type { Random } from './random.ts';
import { childOf, newSpanId } from './traceparent.ts';
import type { EndedSpan, Tracing } from './tracing.ts';

export type SpanAttributes = EndedSpan['attributes'];

export interface SpansOptions {
  readonly tracing: Pick<Tracing, 'draws' | 'record'>;
  readonly clock: Clock;
  readonly random: Pick<Random, 'bytes'>;
  /** Milliseconds that only grow. */
  readonly elapsedMs: () => number;
}

/** A span that has begun and not ended. */
export interface OpenSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Once: later calls change nothing, and what hangs below it and ends later is not recorded. */
  end(outcome: { readonly name: string; readonly attributes: SpanAttributes; readonly isError: boolean }): void;
}

export interface Spans {
  /** Whether a request is recorded where nobody who is trusted has said so, by a span id that was drawn here. */
  readonly draws: Tracing['draws'];
  /** Begins the span of a request that is recorded. */
  begin(context: TraceContext): OpenSpan;
  /** Runs what belongs to the span: `around` and `current` find it there, however often is waited in between. */
  within<T>(span: OpenSpan, run: () => T): T;
  /** The work as a span below the one that is under way; without one, the work alone. */
  around<T>(name: string, attributes: SpanAttributes, work: () => Promise<T>): Promise<T>;
  /** Begins such a span for what is no work but a wait; undefined without one under way. */
  wait(name: string): { readonly end: (error?: unknown) => void } | undefined;
  /** Work that no request began, as a trace of its own where it is drawn. `failed`: whether its answer tells of a failure. */
  alone<T>(
    name: string,
    attributes: SpanAttributes,
    work: () => Promise<T>,
    failed: (answer: T) => boolean,
  ): Promise<T>;
  /** The span that is under way, for log lines and for what is sent on. */
  current(): TraceContext | undefined;
}

interface Scope extends TraceContext {
  readonly kind: EndedSpan['kind'];
  readonly startedMs: number;
  /** Of the request that began it all: its end is theirs. */
  readonly root: { isOver: boolean; readonly wallMinusElapsedMs: number };
  isOver: boolean;
}

type Outcome = Parameters<OpenSpan['end']>[0];

export const createSpans = ({ tracing, clock, random, elapsedMs }: SpansOptions): Spans => {
  const underWay = new AsyncLocalStorage<Scope>();
  /** Of spans that were handed out: what is inside stays inside. */
  const scopes = new WeakMap<OpenSpan, Scope>();

  const newRoot = () => ({ isOver: false, wallMinusElapsedMs: clock.nowMs() - elapsedMs() });
  const open = (context: TraceContext, kind: Scope['kind'], root: Scope['root']): Scope => ({
    traceId: context.traceId,
    spanId: context.spanId,
    parentSpanId: context.parentSpanId,
    sampled: true,
    ...{ kind, root, startedMs: elapsedMs(), isOver: false },
  });

  const end = (scope: Scope, { name, attributes, isError }: Outcome): void => {
    if (scope.isOver || scope.root.isOver) return;
    scope.isOver = true;
    if (scope.kind !== 'internal') scope.root.isOver = true;
    const { traceId, spanId, parentSpanId, kind, startedMs, root } = scope;
    tracing.record({
      ...{ name, kind, traceId, spanId, parentSpanId, attributes, isError },
      startedAtMs: root.wallMinusElapsedMs + startedMs,
      durationMs: elapsedMs() - startedMs,
    });
  };

  /** Below what is under way. */
  const below = (): Scope | undefined => {
    const above = underWay.getStore();
    if (above === undefined || above.root.isOver) return undefined;
    const context = { traceId: above.traceId, spanId: newSpanId(random), parentSpanId: above.spanId, sampled: true };
    return open(context, 'internal', above.root);
  };

  const run = async <T>(
    scope: Scope,
    name: string,
    attributes: SpanAttributes,
    { work, failed }: { readonly work: () => Promise<T>; readonly failed: (answer: T) => boolean },
  ): Promise<T> => {
    try {
      const answer = await underWay.run(scope, work);
      end(scope, { name, attributes, isError: failed(answer) });
      return answer;
    } catch (error) {
      end(scope, { name, attributes: { ...attributes, ...errorType(error) }, isError: true });
      throw error;
    }
  };

  return Object.freeze<Spans>({
    draws: tracing.draws,
    begin: (context) => {
      const scope = open(context, 'server', newRoot());
      const span: OpenSpan = Object.freeze({ ...contextOf(scope), end: (outcome: Outcome) => end(scope, outcome) });
      scopes.set(span, scope);
      return span;
    },
    within: (span, work) => {
      const scope = scopes.get(span);
      return scope === undefined ? work() : underWay.run(scope, work);
    },
    around: (name, attributes, work) => {
      const scope = below();
      return scope === undefined ? work() : run(scope, name, attributes, { work, failed: never });
    },
    wait: (name) => {
      const scope = below();
      if (scope === undefined) return undefined;
      return { end: (error) => end(scope, { name, attributes: errorType(error), isError: error !== undefined }) };
    },
    alone: (name, attributes, work, failed) => {
      const context = childOf(undefined, random);
      if (!tracing.draws(context.spanId)) return work();
      return run(open(context, 'producer', newRoot()), name, attributes, { work, failed });
    },
    current: () => {
      const scope = underWay.getStore();
      return scope === undefined || scope.root.isOver ? undefined : contextOf(scope);
    },
  });
};

const contextOf = ({ traceId, spanId }: Scope): TraceContext => ({ traceId, spanId, sampled: true });

const never = (): boolean => false;

/** A code of the catalogue or a class of error; a message may hold anything. */
const errorType = (error: unknown): SpanAttributes => {
  if (error === undefined) return {};
  if (error instanceof Problem) return { 'error.type': error.code };
  return { 'error.type': error instanceof Error ? error.constructor.name : 'unknown' };
};
