/**
 * Services behind the gateway: the targets of each, which of them are in, and a pool of keep-alive connections to each. Streams both ways with back-pressure. Never judges a
 * request, never follows a redirect, never speaks HTTP/2, never leaves a server's certificate unverified.
 */
import { Problem } from '@sallyport/contract';
import { ConnectionLost } from '../http1/connection.ts';
import { ClientTooSlow, ServiceTimeout } from '../http1/pool.ts';

const timeouts: ReadonlySet<unknown> = new Set(['HTTP1_CONNECT_TIMEOUT', 'HTTP1_ANSWER_TIMEOUT', 'ETIMEDOUT']);

/** A failed upstream request as a problem: 504 for what took too long, 502 for all else; what failed is for the log alone. */
export const upstreamProblem = (error: unknown): Problem => {
  if (error instanceof Problem) return error;
  if (error instanceof ClientTooSlow) return new Problem('request_timeout', { cause: error });
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return new Problem(timeouts.has(code) ? 'upstream_timeout' : 'upstream_unavailable', { cause: error });
};

/** The gateway itself has no socket, port or memory left. */
const ownShortages: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS', 'ENOMEM']);

/** Whether a failure says that a target is not there; a bad answer or a client that leaves says nothing of the kind. */
export const isOutage = (error: unknown): boolean =>
  error instanceof ServiceTimeout || (error instanceof ConnectionLost && !ownShortages.has(error.code));

/** All targets of a service are out. Answered at once: to wait for each of them again would only pile up requests. */
export const allOut = (): Problem => new Problem('upstream_unavailable', { retryAfterSeconds: 1 });

/** As many under way to a service as it may have. */
export const tooMany = (): Problem => new Problem('busy', { params: { retryAfterSeconds: 1 }, retryAfterSeconds: 1 });
