import type { Exchange, Step } from '../exchange.ts';

export interface CorsOptions {
  /** Exact origins. None: no CORS headers at all. */
  readonly origins: readonly string[];
}

const methods = 'GET, POST, PUT, PATCH, DELETE, OPTIONS';
const headers =
  'Origin, Content-Type, Accept, Authorization, X-CSRF-Token, Idempotency-Key, DPoP, Sallyport-SDK, X-Request-Id, Traceparent';
const maxAgeSeconds = '3600';

/** Puts the CORS headers on the answer, whatever it becomes. A foreign origin gets none; the browser then refuses. */
export const cors = ({ origins }: CorsOptions): Step => {
  const allowed: ReadonlySet<string> = new Set(origins);

  const run = (exchange: Exchange): undefined => {
    const { method, headers: inbound, responseHeaders } = exchange;
    const [origin] = inbound.origin;
    exchange.isPreflight = method === 'OPTIONS' && origin !== undefined && inbound.preflightMethod.length > 0;
    if (allowed.size === 0) return;
    responseHeaders.push('vary', 'Origin');
    if (origin === undefined || inbound.origin.length > 1 || !allowed.has(origin)) return;
    responseHeaders.push('access-control-allow-origin', origin, 'access-control-allow-credentials', 'true');
    if (exchange.isPreflight) responseHeaders.push(...preflightHeaders);
    else responseHeaders.push('access-control-expose-headers', 'Content-Length, Content-Type');
  };
  return { name: 'CORS', run };
};

const preflightHeaders = [
  'access-control-allow-methods',
  methods,
  'access-control-allow-headers',
  headers,
  'access-control-max-age',
  maxAgeSeconds,
] as const;
