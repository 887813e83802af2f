import type { GatewaySettings } from '../config.ts';
import { type ServiceRule, serviceUrlPorts, serviceUrlSettings } from '../routes.ts';
import type { HealthOptions } from './health-check.ts';
import type { UpstreamOptions } from './upstream.ts';

type UrlSetting = (typeof serviceUrlSettings)[number];

const isUrlSetting = (url: unknown): url is UrlSetting => serviceUrlSettings.some((name) => name === url);

/** The origins of a service's equal servers: as given, from its setting, else its port on localhost, shifted with all ports. */
export const serviceOrigins = (settings: GatewaySettings, { url, defaultPort }: ServiceRule): readonly string[] => {
  const given = isUrlSetting(url) ? settings[url] : url;
  if (given === undefined) {
    const port = defaultPort ?? (isUrlSetting(url) ? serviceUrlPorts[url] : 0);
    return [`http://localhost:${port + settings.portOffset}`];
  }
  return typeof given === 'string' ? [given] : given;
};

const originsOf = (settings: GatewaySettings, service: ServiceRule): readonly string[] =>
  serviceOrigins(settings, service).map((url) => new URL(url).origin);

/** Where the issuer answers, whether requests are forwarded to it or not; of several servers the first. */
export const issuerOrigin = (settings: GatewaySettings): string => {
  const issuer = settings.services.find((service) => service.issuer === true);
  const service = issuer ?? { id: 'auth-service', url: 'authServiceUrl' };
  const [first = ''] = originsOf(settings, service);
  return first;
};

/** How a service is reached, in one form whichever way it was given. */
export const upstreamOptions = (settings: GatewaySettings, service: ServiceRule): UpstreamOptions => ({
  id: service.id,
  origins: originsOf(settings, service),
  isPlain: service.plain ?? false,
  isIssuer: service.issuer ?? false,
  connectTimeoutMs: (service.connectTimeoutSeconds ?? settings.upstreamConnectTimeoutSeconds) * 1000,
  timeoutMs: (service.timeoutSeconds ?? settings.upstreamTimeoutSeconds) * 1000,
  maxConnections: settings.upstreamConnections,
  maxPending: settings.upstreamPending,
  ...(service.health !== undefined && { health: healthOptions(service.health) }),
});

const healthOptions = (health: NonNullable<ServiceRule['health']>): HealthOptions => {
  const rule = typeof health === 'string' ? { path: health } : health;
  const { path, intervalSeconds = 2, timeoutSeconds = 2, failures = 3, successes = 2 } = rule;
  return { path, intervalMs: intervalSeconds * 1000, timeoutMs: timeoutSeconds * 1000, failures, successes };
};
