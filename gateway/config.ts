/**
 * The gateway's settings: one schema for the environment, the settings file, the docs and `.env.example`.
 * A preset is a partial value of it (`presets/`). It reads nothing by itself: `load-settings.ts` is handed the environment.
 */
import { type ErrorTexts, signatureAlgorithms } from '@sallyport/contract';
import {
  booleanSetting,
  choiceSetting,
  dataSetting,
  defineSettings,
  durationSetting,
  integerSetting,
  keyListSetting,
  listSetting,
  originsSetting,
  type PresetOf,
  portSetting,
  type SettingProblem,
  type SettingsOf,
  secretSetting,
  settingRequired,
  shareSetting,
  textSetting,
  urlSetting,
} from '@sallyport/kit/config';
import { addressListProblem } from './address/address-list.ts';
import { type IssuerRule, issuersProblem } from './issuers/issuer-rule.ts';
import type { RouteProblem } from './routes/check-form.ts';
import { routeFormProblems, serviceFormProblems } from './routes/check-form.ts';
import { checkRules } from './routes/check-rules.ts';
import type { RouteRule, ServiceRule } from './routes.ts';

const decimal = (largest: number) => (keys: readonly { readonly kid: string }[] | undefined) =>
  (keys ?? []).every(({ kid }) => String(Number(kid)) === kid && Number(kid) <= largest)
    ? undefined
    : `holds a key id that is not a number from 0 to ${largest}`;

/** A path would have to be joined with the target, and what is signed would no longer be what is sent. */
const originOnly = (text: string | undefined): string | undefined => {
  if (text === undefined) return undefined;
  const { origin, pathname, search, hash } = new URL(text);
  if (pathname === '/' && search === '' && hash === '' && !text.includes('@')) return undefined;
  return `must be an origin such as ${origin}: no path, no query`;
};

const serviceUrl = (env: string, what: string, port: number) =>
  urlSetting({
    env,
    optional: true,
    check: originOnly,
    doc: `Origin of the ${what}. Default: \`http://localhost:${port}\`, shifted by SALLYPORT_PORT_OFFSET.`,
  });

const isObject = (value: unknown): string | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? undefined : 'must be an object';

const formProblem = (problems: readonly RouteProblem[]): string | undefined =>
  problems.length === 0 ? undefined : problems.map(({ pointer, problem }) => `at ${pointer} ${problem}`).join('; ');

export const gatewaySettings = defineSettings({
  preset: choiceSetting({
    env: 'SALLYPORT_PRESET',
    values: ['microservices'],
    optional: true,
    doc: 'Named configuration that stands below everything else that is set.',
  }),
  serviceName: textSetting({
    env: 'GATEWAY_SERVICE_NAME',
    default: 'api-gateway',
    doc: 'Name in `/health`, logs and metrics.',
  }),
  environmentLabel: textSetting({ env: 'ENVIRONMENT', optional: true, doc: 'A label for logs; it switches nothing.' }),
  host: listSetting({
    env: 'HOST',
    optional: true,
    doc: 'Addresses of the public listener. Default: both loopbacks, 127.0.0.1 and ::1.',
  }),
  port: portSetting({ env: 'GATEWAY_PORT', aliases: ['PORT'], default: 8080, doc: 'Public port.' }),
  privatePort: portSetting({
    env: 'GATEWAY_PRIVATE_PORT',
    optional: true,
    doc: 'Port of the private listener (metrics, readiness details), on the loopbacks. Default: public port + 1000.',
  }),
  portOffset: integerSetting({
    env: 'SALLYPORT_PORT_OFFSET',
    min: 0,
    max: 50_000,
    default: 0,
    doc: 'Added to every port.',
  }),
  gatewayId: textSetting({
    env: 'GATEWAY_ID',
    default: 'gateway',
    pattern: /^[A-Za-z0-9._-]{1,64}$/,
    doc: '`iss` of assertions, and the name in `Via`.',
  }),
  masterKeys: keyListSetting({
    env: 'GATEWAY_MASTER_KEYS',
    optional: true,
    doc: "Masters of the services' assertion keys; the gateway's alone. Required.",
  }),
  gatewaySecret: secretSetting({
    env: 'GATEWAY_SECRET',
    optional: true,
    doc: 'Key of the plain `X-Gateway-Signature`. Required where a service is marked `plain`.',
  }),
  csrfKeys: keyListSetting({
    env: 'CSRF_KEYS',
    optional: true,
    kid: /^\d{1,3}$/,
    check: decimal(255),
    doc: 'Keys of CSRF tokens; issuer and gateway. Ids are numbers up to 255. Required.',
  }),
  csrfCookie: textSetting({
    env: 'CSRF_COOKIE_NAME',
    default: '__Host-csrf_token',
    pattern: /^[A-Za-z0-9_-]{1,64}$/,
    doc: 'Name of the cookie that carries the CSRF token.',
  }),
  accessCookie: textSetting({
    env: 'ACCESS_COOKIE_NAME',
    optional: true,
    pattern: /^[A-Za-z0-9_-]{1,64}$/,
    doc: 'Name of a cookie whose value is the access token, where no `Authorization` is sent. Default: none; only `Authorization` identifies.',
  }),
  authCookies: listSetting({
    env: 'AUTH_COOKIE_NAMES',
    item: /^[A-Za-z0-9_-]{1,64}$/,
    default: ['refresh_token', '__Host-refresh_token', '__Secure-refresh_token'],
    doc: 'Cookies that stop at the gateway except towards the issuer, beside the CSRF cookie.',
  }),
  issuer: textSetting({ env: 'JWT_ISSUER', default: 'sallyport', doc: '`iss` of access tokens.' }),
  audience: textSetting({ env: 'JWT_AUDIENCE', default: 'sallyport', doc: '`aud` of access tokens.' }),
  jwtAlgorithm: choiceSetting({
    env: 'JWT_ALGORITHM',
    values: signatureAlgorithms,
    default: 'ES256',
    doc: 'The one signature that access tokens may have.',
  }),
  jwtSecret: secretSetting({
    env: 'JWT_SECRET',
    aliases: ['JWT_SECRET_KEY'],
    optional: true,
    doc: 'Key of HS256; issuer and gateway only.',
  }),
  jwtSecretPrevious: secretSetting({
    env: 'JWT_SECRET_PREVIOUS',
    optional: true,
    doc: 'The HS256 key before this one: still verifies.',
  }),
  jwtPublicKeyPath: textSetting({
    env: 'JWT_PUBLIC_KEY_PATH',
    optional: true,
    doc: "Public keys as PEM. Default: the issuer's `/.well-known/jwks.json`.",
  }),
  revocationFeed: booleanSetting({
    env: 'REVOCATION_FEED',
    default: true,
    insecure: (on) => (on ? undefined : 'is off: tokens of ended sessions and disabled users pass until they expire'),
    doc: "Subscribe to the issuer's revocation feed. Until its first snapshot protected routes answer 503.",
  }),
  revocationFeedUrl: urlSetting({
    env: 'REVOCATION_FEED_URL',
    optional: true,
    check: originOnly,
    doc: "Origin of the issuer's private listener. Default: the issuer's origin, its port + 1000.",
  }),
  revocationFeedToken: secretSetting({
    env: 'REVOCATION_FEED_TOKEN',
    optional: true,
    doc: "This gateway's own bearer at the feed (`sallyport keys feed <subscriber>`). Required where the feed is on.",
  }),
  revocationBoundSeconds: durationSetting({
    env: 'REVOCATION_BOUND_SECONDS',
    unit: 'seconds',
    min: 1,
    max: 3600,
    default: 1,
    doc: 'What is promised while all is healthy: heard of the feed no longer ago than this. Past it a warning is logged and counted; requests are served.',
  }),
  revocationMaxStalenessSeconds: durationSetting({
    env: 'REVOCATION_MAX_STALENESS_SECONDS',
    unit: 'seconds',
    min: 1,
    max: 3600,
    default: 120,
    doc: 'Nothing heard of the feed for this long: protected routes answer 503.',
  }),
  trustedProxies: listSetting({
    env: 'TRUSTED_PROXIES',
    default: [],
    check: addressListProblem,
    doc: 'Addresses and networks (CIDR) whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed. Default: none.',
  }),
  forwardAuthProxies: listSetting({
    env: 'FORWARD_AUTH_PROXIES',
    default: [],
    check: addressListProblem,
    doc: 'Addresses and networks (CIDR) of proxies that may ask `/forward-auth`: whoever may chooses method and target. Default: none.',
  }),
  corsOrigins: originsSetting({
    env: 'CORS_ORIGINS',
    default: [],
    doc: 'Origins that pages may call from, with credentials.',
  }),
  floodLimitPerMinute: integerSetting({
    env: 'FLOOD_LIMIT_PER_MINUTE',
    min: 0,
    max: 60_000_000,
    default: 0,
    doc: 'Requests a minute from one address (IPv6: one /64); everything counts. 0: no limit.',
  }),
  floodLimitBurst: integerSetting({
    env: 'FLOOD_LIMIT_BURST',
    min: 1,
    max: 1_000_000,
    default: 10,
    doc: 'Requests that may come at once before the rate holds.',
  }),
  limitsMode: choiceSetting({
    env: 'LIMITS_MODE',
    values: ['local', 'agreed', 'exact'],
    optional: true,
    doc: 'Who counts requests: each gateway by itself, all together in the background, or Redis at each request. Default: `agreed` where Redis is set, else `local`.',
  }),
  redisUrl: urlSetting({
    env: 'REDIS_URL',
    protocols: ['redis:', 'rediss:'],
    secret: true,
    optional: true,
    doc: 'Redis for limits that gateways share; `rediss:` for TLS. Its maxmemory-policy has to be noeviction.',
  }),
  redisAddr: textSetting({
    env: 'REDIS_ADDR',
    pattern: /^(?:[A-Za-z0-9.-]{1,255}|\[[0-9A-Fa-f:]{2,45}\]):\d{1,5}$/,
    optional: true,
    doc: 'The same as `host:port`, with REDIS_PASSWORD.',
  }),
  redisPassword: textSetting({
    env: 'REDIS_PASSWORD',
    secret: true,
    optional: true,
    doc: 'Password of the Redis at REDIS_ADDR.',
  }),
  workers: textSetting({
    env: 'GATEWAY_WORKERS',
    pattern: /^(?:auto|[1-9]|[1-5]\d|6[0-4])$/,
    default: '1',
    doc: 'Threads that serve the public port, 1 to 64, or `auto`: one for each core. More than one needs a system that shares a port (Linux, FreeBSD).',
  }),
  bodyLimitBytes: integerSetting({
    env: 'GATEWAY_BODY_LIMIT_BYTES',
    min: 0,
    max: 1_073_741_824,
    default: 1_048_576,
    doc: 'Longest request body where the route says nothing else; beyond, 413.',
  }),
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
  logLevel: choiceSetting({
    env: 'LOG_LEVEL',
    values: ['debug', 'info', 'warn', 'error', 'silent'],
    default: 'info',
    doc: 'Least level that is logged.',
  }),
  accessLogSample: shareSetting({
    env: 'ACCESS_LOG_SAMPLE',
    default: 1,
    doc: 'Share of the answers below 400 that have a line in the access log; such a line says `sample`. What was refused, cut short or failed is always logged. Metrics count everything.',
  }),
  tracesUrl: urlSetting({
    env: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    optional: true,
    doc: 'Where spans go, as OTLP over HTTP, path included: `http://collector:4318/v1/traces`. Default: nowhere.',
  }),
  tracesSample: shareSetting({
    env: 'OTEL_TRACES_SAMPLER_ARG',
    default: 0.05,
    doc: 'Share of requests whose spans are sent; those that a trusted proxy has chosen come on top.',
  }),
  clockLeewaySeconds: durationSetting({
    env: 'CLOCK_LEEWAY_SECONDS',
    unit: 'seconds',
    max: 300,
    default: 30,
    doc: 'How far clocks may be apart.',
  }),
  clockOffsetSeconds: integerSetting({
    env: 'SALLYPORT_CLOCK_OFFSET_SECONDS',
    min: -31_536_000,
    max: 31_536_000,
    default: 0,
    insecure: (seconds) => (seconds === 0 ? undefined : 'is set: the clock is wrong on purpose (for tests)'),
    doc: "Moves this server's clock; for tests.",
  }),
  authServiceUrl: serviceUrl('AUTH_SERVICE_URL', 'issuer', 8081),
  userServiceUrl: serviceUrl('USER_SERVICE_URL', 'user service', 8082),
  paymentServiceUrl: serviceUrl('PAYMENT_SERVICE_URL', 'payment service', 8083),
  notificationServiceUrl: serviceUrl('NOTIFICATION_SERVICE_URL', 'notification service', 8084),
  routesFile: textSetting({
    env: 'GATEWAY_ROUTES_FILE',
    optional: true,
    doc: 'Routes, and services, as YAML or a module (.yaml, .json, .ts, .js), instead of those of the preset. Read again when it changes and on SIGHUP.',
  }),
  issuers: dataSetting<readonly IssuerRule[]>({
    default: [],
    check: issuersProblem,
    doc: 'Issuers beside the own one, each with its keys and its feed; routes name those that they take.',
  }),
  services: dataSetting<readonly ServiceRule[]>({
    default: [],
    check: (value) => formProblem(serviceFormProblems(value)),
    doc: 'The services behind the gateway.',
  }),
  routes: dataSetting<readonly RouteRule[]>({
    default: [
      { path: '/health', answer: 'health' },
      { path: '/ready', answer: 'ready' },
    ],
    check: (value) => formProblem(routeFormProblems(value)),
    doc: 'Which path goes to which service, and who may go there.',
  }),
  errorTexts: dataSetting<ErrorTexts>({
    default: {},
    check: isObject,
    doc: "The contract's literal `error`, `hint` and `details` texts by code.",
  }),
});

export type GatewaySettings = SettingsOf<typeof gatewaySettings>;
export type GatewayPreset = PresetOf<typeof gatewaySettings>;

/** Whether a service is marked `plain` and the key of its signature is missing. */
export const needsPlainSecret = ({
  services,
  gatewaySecret,
}: Pick<GatewaySettings, 'services' | 'gatewaySecret'>): boolean =>
  gatewaySecret === undefined && services.some(({ plain }) => plain === true);

/** Rules across settings. Secrets are asked for here, so that all missing ones are told at once. */
export const checkGatewaySettings = (settings: GatewaySettings): readonly SettingProblem[] => {
  const problems: SettingProblem[] = [];
  const needed: [name: string, missing: boolean][] = [
    ['JWT_SECRET', settings.jwtAlgorithm === 'HS256' && settings.jwtSecret === undefined],
    ['GATEWAY_SECRET', needsPlainSecret(settings)],
    ['GATEWAY_MASTER_KEYS', settings.masterKeys === undefined],
    ['GATEWAY_TLS_KEY_PATH', settings.tlsCertPath !== undefined && settings.tlsKeyPath === undefined],
    ['GATEWAY_TLS_CERT_PATH', settings.tlsKeyPath !== undefined && settings.tlsCertPath === undefined],
    ['CSRF_KEYS', settings.csrfKeys === undefined],
    ['REVOCATION_FEED_TOKEN', settings.revocationFeed && settings.revocationFeedToken === undefined],
  ];
  problems.push(...needed.filter(([, missing]) => missing).map(([name]) => settingRequired(name)));
  if (settings.jwtAlgorithm === 'HS256' && settings.jwtPublicKeyPath !== undefined) {
    problems.push({ setting: 'JWT_PUBLIC_KEY_PATH', problem: 'is set, but JWT_ALGORITHM is HS256: remove one' });
  }
  const { limitsMode, redisUrl, redisAddr, redisPassword } = settings;
  if (redisUrl !== undefined && redisAddr !== undefined) {
    problems.push({ setting: 'REDIS_ADDR', problem: 'is set beside REDIS_URL: remove one' });
  }
  if (redisPassword !== undefined && redisAddr === undefined) {
    problems.push({ setting: 'REDIS_PASSWORD', problem: 'belongs to REDIS_ADDR, which is not set' });
  }
  if ((limitsMode ?? 'local') !== 'local' && redisUrl === undefined && redisAddr === undefined) {
    problems.push({ setting: 'REDIS_URL', problem: `is required where LIMITS_MODE is ${limitsMode}` });
  }
  if (settings.issuers.some(({ issuer }) => issuer === settings.issuer)) {
    problems.push({ setting: 'issuers', problem: `holds ${settings.issuer}, which is JWT_ISSUER, the own issuer` });
  }
  if (settings.revocationBoundSeconds > settings.revocationMaxStalenessSeconds) {
    const problem = 'is longer than REVOCATION_MAX_STALENESS_SECONDS: it would be told after the doors are shut';
    problems.push({ setting: 'REVOCATION_BOUND_SECONDS', problem });
  }
  // A route file brings its own; it is checked when it has been read.
  if (settings.routesFile === undefined) {
    const { problems: found } = checkRules({ ...settings, issuers: settings.issuers.map(({ id }) => id) });
    problems.push(...found.map(({ pointer, problem }) => ({ setting: pointer, problem })));
  }
  return problems;
};
