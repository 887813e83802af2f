import { type ServiceAddress, serviceAddress } from '../http1/open-socket.ts';
import { createHttpPool, type HttpPool } from '../http1/pool.ts';

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
  readonly address: ServiceAddress;
  readonly pool: Pick<HttpPool, 'dispatch'>;
  readonly maxPending: number;
  /** Requests under way; counted by the relay. */
  pending: number;
  close(): Promise<void>;
}

/** Opens no connection yet. */
export const openUpstream = (options: UpstreamOptions): Upstream => {
  const pool = createHttpPool({
    origin: options.origin,
    maxConnections: options.maxConnections,
    connectTimeoutMs: options.connectTimeoutMs,
    answerTimeoutMs: options.timeoutMs,
  });
  return {
    id: options.id,
    isPlain: options.isPlain,
    isIssuer: options.isIssuer,
    address: serviceAddress(options.origin),
    pool,
    maxPending: options.maxPending,
    pending: 0,
    // The listener has drained before: what is still open has outlived the stop's time limit.
    close: async () => pool.close(),
  };
};
