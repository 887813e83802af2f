import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';

export interface Observation {
  readonly method: string;
  /** The route's pattern. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

export interface ServiceMetrics {
  readonly registry: Registry;
  observe(observation: Observation): void;
  /** `reason` is of the guard's closed list. */
  countRefusal(code: string, reason: string): void;
}

/** A registry of its own for each service, so that two in one process never share one. */
export const createMetrics = (name: string): ServiceMetrics => {
  const registry = new Registry();
  registry.setDefaultLabels({ service: name });
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Duration of requests by route and status',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
  });
  const refusals = new Counter({
    name: 'gateway_assertion_refusals_total',
    help: 'Requests that did not come through the gateway, by reason',
    labelNames: ['code', 'reason'],
    registers: [registry],
  });
  return {
    registry,
    observe: ({ method, route, status, seconds }) => requests.observe({ method, route, status }, seconds),
    countRefusal: (code, reason) => refusals.inc({ code, reason }),
  };
};
