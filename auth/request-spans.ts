import type { TraceContext } from '@sallyport/contract';
import type { Clock } from '@sallyport/kit/clock';
import type { Random } from '@sallyport/kit/random';
import { createSpans, type OpenSpan, type Spans } from '@sallyport/kit/spans';
import { openTracing } from '@sallyport/kit/tracing';
import type { FastifyRequest } from 'fastify';
import type { AuthSettings } from './config.ts';

/** Spans of requests, and of what they wait for. */
export interface RequestSpans extends Omit<Spans, 'begin'> {
  /** Undefined: the request is not recorded. */
  begin(trace: TraceContext, byGateway: boolean): OpenSpan | undefined;
  end(span: OpenSpan, request: FastifyRequest, status: number): void;
  /** Sends what waits, for two seconds at most. */
  close(): Promise<void>;
}

export interface RequestSpansParts {
  readonly settings: Pick<AuthSettings, 'tracesUrl' | 'tracesSample' | 'tracesSampler'>;
  readonly serviceName: string;
  readonly clock: Clock;
  readonly random: Pick<Random, 'bytes'>;
}

/** Undefined: nobody wants spans, and nothing is loaded or done for them. */
export const openRequestSpans = async (parts: RequestSpansParts): Promise<RequestSpans | undefined> => {
  const { settings, serviceName, clock, random } = parts;
  const { tracesUrl: url, tracesSample: ratio, tracesSampler: sampler } = settings;
  if (url === undefined) return undefined;
  const tracing = await openTracing({ url, serviceName, ratio });
  const spans = createSpans({ tracing, clock, random, elapsedMs: () => performance.now() });

  /**
   * Anybody can write `sampled` into a header, and what is recorded costs: only the gateway, which has shown that it is one, decides
   * for the issuer, so that a trace is there as a whole or not at all. Strangers share what the ratio leaves to chance.
   */
  const isRecorded = ({ parentSpanId, sampled, spanId }: TraceContext, byGateway: boolean): boolean => {
    const isTold = byGateway && parentSpanId !== undefined && sampler === 'parentbased_traceidratio';
    return isTold ? sampled : spans.draws(spanId);
  };

  return Object.freeze<RequestSpans>({
    ...spans,
    begin: (trace, byGateway) => (isRecorded(trace, byGateway) ? spans.begin(trace) : undefined),
    end: (span, request, status) => {
      // The pattern and never the target: a path may hold what nobody else is to read.
      const route = request.routeOptions.url;
      span.end({
        name: route === undefined ? request.method : `${request.method} ${route}`,
        attributes: {
          'http.request.method': request.method,
          'http.response.status_code': status,
          'http.route': route,
          'sallyport.request_id': request.id,
        },
        // Semantic conventions for HTTP: of a server span, 4xx is no error.
        isError: status >= 500,
      });
    },
    close: () => tracing.close(),
  });
};
