import type { TraceContext } from '@sallyport/contract';
import { type Log, logRequest } from '@sallyport/kit/log';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** What is known of a request from its beginning. */
export interface Beginning {
  readonly startedMs: number;
  readonly trace: TraceContext;
}

interface Answered {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly seen: Beginning | undefined;
  readonly address: string;
  readonly fields: Readonly<Record<string, string | undefined>>;
}

/** The line of an answered request, on whichever listener. Returns how long it took, in seconds; 0 where nobody saw it begin. */
export const logAnswer = (log: Log, { request, reply, seen, address, fields }: Answered): number => {
  const durationMs = seen === undefined ? 0 : performance.now() - seen.startedMs;
  logRequest(log, {
    requestId: request.id,
    traceId: seen?.trace.traceId ?? '',
    spanId: seen?.trace.spanId,
    method: request.method,
    target: request.raw.url ?? '/',
    status: reply.statusCode,
    durationMs,
    address,
    agent: request.headers['user-agent'],
    fields,
  });
  return durationMs / 1000;
};
