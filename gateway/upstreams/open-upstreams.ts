import type { GatewaySettings } from '../config.ts';
import type { ServiceRule } from '../routes.ts';
import { openUpstream, type Upstream } from './upstream.ts';

/** The origin that a setting gives, else the service's port on localhost, shifted with all other ports. */
export const serviceOrigin = (settings: GatewaySettings, { url, defaultPort }: ServiceRule): string =>
  settings[url] ?? `http://localhost:${defaultPort + settings.portOffset}`;

/** Where the issuer answers, whether requests are forwarded to it or not. */
export const issuerOrigin = (settings: GatewaySettings): string => {
  const issuer = settings.services.find((service) => service.issuer === true);
  return new URL(serviceOrigin(settings, issuer ?? { id: 'auth-service', url: 'authServiceUrl', defaultPort: 8081 }))
    .origin;
};

export interface Upstreams {
  /** By service id. */
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly close: () => Promise<void>;
}

export const openUpstreams = (settings: GatewaySettings): Upstreams => {
  const upstreams = new Map(settings.services.map((service) => [service.id, openService(settings, service)]));
  const close = async (): Promise<void> => {
    await Promise.all([...upstreams.values()].map((upstream) => upstream.close()));
  };
  return Object.freeze({ upstreams, close });
};

const openService = (settings: GatewaySettings, service: ServiceRule): Upstream =>
  openUpstream({
    id: service.id,
    origin: new URL(serviceOrigin(settings, service)).origin,
    isPlain: service.plain ?? false,
    isIssuer: service.issuer ?? false,
    connectTimeoutMs: settings.upstreamConnectTimeoutSeconds * 1000,
    timeoutMs: settings.upstreamTimeoutSeconds * 1000,
    maxConnections: settings.upstreamConnections,
    maxPending: settings.upstreamPending,
  });
