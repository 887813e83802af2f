import { booleanSetting, durationSetting, integerSetting, textSetting } from '@sallyport/kit/config';

/** TLS on both sides, and the connections to services. */
export const connectionSettings = {
  tlsCertPath: textSetting({
    env: 'GATEWAY_TLS_CERT_PATH',
    optional: true,
    doc: 'Certificate and its chain as PEM: the public listener speaks TLS. Read again when the file changes. Default: plain HTTP.',
  }),
  tlsKeyPath: textSetting({
    env: 'GATEWAY_TLS_KEY_PATH',
    optional: true,
    doc: 'Private key of that certificate as PEM. Required with it.',
  }),
  upstreamCaPath: textSetting({
    env: 'UPSTREAM_CA_PATH',
    optional: true,
    doc: "Certificates (PEM) of the authorities that services behind `https://` are believed by, and no others. Default: the system's list.",
  }),
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
