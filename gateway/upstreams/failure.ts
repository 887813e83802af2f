/**
 * Services behind the gateway: one pool of keep-alive connections each. Streams both ways with back-pressure. Never judges a
 * request, never follows a redirect, never speaks HTTP/2, never leaves a server's certificate unverified.
 */
import { Problem } from '@sallyport/contract';

const timeouts: ReadonlySet<unknown> = new Set(['HTTP1_CONNECT_TIMEOUT', 'HTTP1_ANSWER_TIMEOUT', 'ETIMEDOUT']);

/** A failed upstream request as a problem: 504 for what took too long, 502 for all else; what failed is for the log alone. */
export const upstreamProblem = (error: unknown): Problem => {
  if (error instanceof Problem) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return new Problem(timeouts.has(code) ? 'upstream_timeout' : 'upstream_unavailable', { cause: error });
};
