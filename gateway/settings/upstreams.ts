import { booleanSetting, durationSetting, integerSetting } from '@sallyport/kit/config';

/** The connections to services. */
export const connectionSettings = {
  upstreamConnectTimeoutSeconds: durationSetting({
    env: 'UPSTREAM_CONNECT_TIMEOUT_SECONDS',
    unit: 'seconds',
    min: 1,
    max: 60,
    default: 5,
    doc: 'How long a connection to a service may take.',
  }),
  upstreamTimeoutSeconds: durationSetting({
    env: 'UPSTREAM_TIMEOUT_SECONDS',
    unit: 'seconds',
    min: 1,
    max: 600,
    default: 30,
    doc: 'How long a service may take to begin its answer, and between two parts of it; beyond, 504.',
  }),
  upstreamConnections: integerSetting({
    env: 'UPSTREAM_CONNECTIONS',
    min: 1,
    max: 10_000,
    default: 256,
    doc: 'Connections to each server of a service.',
  }),
  upstreamProbe: booleanSetting({
    env: 'UPSTREAM_PROBE',
    default: false,
    doc: 'After the start and each reload, ask each service behind a protected route with a GET that carries no assertion; one that answers is warned about.',
  }),
  upstreamPending: integerSetting({
    env: 'UPSTREAM_PENDING',
    min: 1,
    max: 100_000,
    default: 1024,
    doc: 'Requests under way to one service; beyond, 503 with Retry-After.',
  }),
};
