import { Pool } from 'undici';

export interface UpstreamOptions {
  readonly id: string;
  /** `http://host:port` or `https://…`. */
  readonly origin: string;
  readonly isPlain: boolean;
  readonly isIssuer: boolean;
  readonly connectTimeoutMs: number;
  /** Until the answer begins, and between two parts of it. */
  readonly timeoutMs: number;
  readonly maxConnections: number;
  /** Requests under way, waiting ones included. */
  readonly maxPending: number;
}

export interface Upstream {
  readonly id: string;
  /** Gets the plain signature as well. */
  readonly isPlain: boolean;
  /** Gets credentials and auth cookies. */
  readonly isIssuer: boolean;
  readonly pool: Pick<Pool, 'dispatch'>;
  readonly maxPending: number;
  /** Requests under way; counted by the relay. */
  pending: number;
  close(): Promise<void>;
}

/** Opens no connection yet. */
export const openUpstream = (options: UpstreamOptions): Upstream => {
  const pool = new Pool(options.origin, {
    connections: options.maxConnections,
    // RFC 9112 §9.3.2: one answer that goes wrong would take those behind it along.
    pipelining: 1,
    allowH2: false,
    strictContentLength: true,
    headersTimeout: options.timeoutMs,
    bodyTimeout: options.timeoutMs,
    // `localhost` may be ::1 or 127.0.0.1; RFC 8305: both are tried.
    connect: { timeout: options.connectTimeoutMs, autoSelectFamily: true },
    maxHeaderSize: 32_768,
  });
  return {
    id: options.id,
    isPlain: options.isPlain,
    isIssuer: options.isIssuer,
    pool,
    maxPending: options.maxPending,
    pending: 0,
    // The listener has drained before: what is still open has outlived the stop's time limit.
    close: () => pool.destroy(),
  };
};
