import { memberOf } from './member-of.ts';
import type { SignedOutCause } from './signed-out-cause.ts';

/** The session is over; a new login is needed. The tokens have been cleared. */
export class SignedOutError extends Error {
  override readonly name = 'SignedOutError';
  readonly reason: SignedOutCause;
  constructor(reason: SignedOutCause) {
    super(`signed out: ${reason}`);
    this.reason = reason;
  }
}

/** Nobody answered, or the answer was lost. The tokens have been kept. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError';
  constructor(cause: unknown) {
    super('no answer from the server', { cause });
  }
}

/** An error answer of a server: RFC 9457 problem details where it sent them. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  /** Sallyport's stable code; undefined where the server sent none. */
  readonly code: string | undefined;
  /** Wait this long before the next try (429, 503); undefined where the server does not say. */
  readonly retryAfterSeconds: number | undefined;
  readonly body: unknown;

  constructor(status: number, body: unknown, retryAfterSeconds: number | undefined) {
    super(textOf(body, status));
    this.status = status;
    this.code = memberOf(body, 'code');
    this.retryAfterSeconds = retryAfterSeconds;
    this.body = body;
  }
}

const textOf = (body: unknown, status: number): string =>
  memberOf(body, 'error') ?? memberOf(body, 'title') ?? `the server answered ${status}`;
