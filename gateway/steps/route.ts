import { Problem } from '@sallyport/contract';
import type { Answer, Exchange, Outcome, Step } from '../exchange.ts';
import type { OwnRoute, RouteTable } from '../route-table.ts';

export interface RouteOptions {
  readonly table: Pick<RouteTable, 'find'>;
  readonly serviceName: string;
  readonly isReady: () => boolean;
}

/** Finds the route of the canonical path, asks for its limit on bodies, cuts the prefix off, and answers the gateway's own routes. */
export const route = ({ table, serviceName, isReady }: RouteOptions): Step => {
  const answerOwn = ({ answer }: OwnRoute): Answer | Problem => {
    if (answer === 'health') return json({ status: 'healthy', service: serviceName });
    if (isReady()) return json({ status: 'ready' });
    return new Problem('not_ready', { params: { retryAfterSeconds: 1 }, retryAfterSeconds: 1 });
  };

  const run = (exchange: Exchange): Outcome => {
    const { method, path, target, headers, asked } = exchange;
    const found = table.find(path, method, headers.host[0]);
    if (found === undefined) return new Problem('route_unknown', { extensions: { path } });
    if ('allowed' in found) return new Problem('method_not_allowed', { headers: { allow: found.allowed.join(', ') } });
    exchange.route = found;
    const { bodyLimitBytes } = found;
    if (Number(headers.contentLength[0] ?? 0) > bodyLimitBytes) {
      return new Problem('body_too_large', { params: { limitBytes: bodyLimitBytes } });
    }
    if (found.kind === 'own') {
      // A proxy that asks would take the answer for leave to send the request to a service.
      return asked === undefined ? answerOwn(found) : new Problem('route_unknown', { extensions: { path } });
    }
    exchange.forwardTarget = found.stripLength === 0 ? target : target.slice(found.stripLength);
    return undefined;
  };
  return { name: 'route', run };
};

const json = (body: object): Answer => ({
  status: 200,
  headers: ['content-type', 'application/json', 'cache-control', 'no-store'],
  body: JSON.stringify(body),
});
