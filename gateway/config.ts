/**
 * The gateway's settings: one schema for the environment, the settings file, the docs and `.env.example`.
 * A preset is a partial value of it (`presets/`). It reads nothing by itself: `load-settings.ts` is handed the environment.
 */
import type { ErrorTexts } from '@sallyport/contract';
import {
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
  textSetting,
  urlSetting,
} from '@sallyport/kit/config';
import { tlsProblems } from '@sallyport/kit/tls-certificate';
import { redisProblems } from '@sallyport/storage/redis/settings';
import { addressListProblem } from './address/address-list.ts';
import { type IssuerRule, issuersProblem } from './issuers/issuer-rule.ts';
import type { RouteProblem } from './routes/check-form.ts';
import { routeFormProblems, serviceFormProblems } from './routes/check-form.ts';
import { checkRules } from './routes/check-rules.ts';
import type { RouteRule, ServiceRule } from './routes.ts';
import { limitSettings } from './settings/limits.ts';
import { originOnly } from './settings/origin-only.ts';
import { seeingSettings } from './settings/seeing.ts';
import { privateTlsFiles, publicTlsFiles, tlsSettings, upstreamTlsFiles } from './settings/tls.ts';
import { tokenSettings } from './settings/tokens.ts';
import { connectionSettings } from './settings/upstreams.ts';

const decimal = (largest: number) => (keys: readonly { readonly kid: string }[] | undefined) =>
  (keys ?? []).every(({ kid }) => String(Number(kid)) === kid && Number(kid) <= largest)
    ? undefined
    : `holds a key id that is not a number from 0 to ${largest}`;

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
    values: ['microservices', 'edge-gateway', 'event-driven'],
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
    doc: 'Port of the private listener (metrics, readiness details). Default: public port + 1000.',
  }),
  privateHost: listSetting({
    env: 'PRIVATE_HOST',
    optional: true,
    doc: 'Addresses of the private listener. Default: both loopbacks. Open it to a private network alone: whoever reaches it reads metrics.',
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
    howToMake: "the issuer's, the same list",
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
  ...tokenSettings,
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
  ...limitSettings,
  bodyLimitBytes: integerSetting({
    env: 'GATEWAY_BODY_LIMIT_BYTES',
    min: 0,
    max: 1_073_741_824,
    default: 1_048_576,
    doc: 'Longest request body where the route says nothing else; beyond, 413.',
  }),
  ...tlsSettings,
  ...connectionSettings,
  ...seeingSettings,
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
  backendServiceUrl: serviceUrl('BACKEND_SERVICE_URL', 'backend', 8082),
  profileServiceUrl: serviceUrl('PROFILE_SERVICE_URL', 'profile service', 8082),
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
    ['CSRF_KEYS', settings.csrfKeys === undefined],
    ['REVOCATION_FEED_TOKEN', settings.revocationFeed && settings.revocationFeedToken === undefined],
  ];
  problems.push(...needed.filter(([, missing]) => missing).map(([name]) => settingRequired(name)));
  if (settings.jwtAlgorithm === 'HS256' && settings.jwtPublicKeyPath !== undefined) {
    problems.push({ setting: 'JWT_PUBLIC_KEY_PATH', problem: 'is set, but JWT_ALGORITHM is HS256: remove one' });
  }
  const { limitsMode, redisUrl, redisAddr } = settings;
  problems.push(...[publicTlsFiles, privateTlsFiles, upstreamTlsFiles].flatMap((of) => tlsProblems(of(settings))));
  problems.push(...redisProblems(settings));
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
