import type { GatewaySettings } from '../config.ts';
import { accessOf, type ProxyRule, type ServiceRule } from '../routes.ts';
import { issuerOrigin, serviceOrigins } from '../upstreams/open-upstreams.ts';
import type { RouteProblem } from './check-form.ts';

/** AUTH_SERVICE_NAME where nobody sets it. */
const usualId = 'auth-service';

/** Services that are the issuer by all appearances, though nobody says so. */
const lookalikes = (settings: GatewaySettings): ReadonlySet<ServiceRule> => {
  const home = issuerOrigin(settings);
  const isThere = (service: ServiceRule): boolean =>
    serviceOrigins(settings, service).some((url) => URL.parse(url)?.origin === home);
  return new Set(settings.services.filter((one) => one.id === usualId || isThere(one)));
};

const unmarked = (at: number): RouteProblem => ({
  pointer: `/services/${at}`,
  problem:
    'is the issuer by its id or url, but not marked: without issuer: true no credentials or auth cookies reach it',
});

/** The id is the audience of its assertions, and the issuer takes the client's address from one made for it alone. */
const otherwiseCalled = (at: number, id: string): RouteProblem => ({
  pointer: `/services/${at}/id`,
  problem:
    `is ${id} and its service the issuer: it sees the client's address only where its AUTH_SERVICE_NAME is ${id} too ` +
    `(default ${usualId}) and its GATEWAY_ASSERTION_KEYS are what \`gateway key ${id}\` prints`,
});

const nobodyLogsIn: RouteProblem = {
  pointer: '/services',
  problem: 'hold no issuer that a route leads to: nobody can log in through this gateway',
};

/** What is missing on the way to the issuer, where tokens are asked for. Each may be meant: somebody should look. */
export const issuerWarnings = (settings: GatewaySettings): readonly RouteProblem[] => {
  const { services } = settings;
  const proxied = settings.routes.filter((rule): rule is ProxyRule => !('answer' in rule));
  const issuer = services.find((service) => service.issuer === true);
  // Two cannot be marked: where one is, what looks like it is something else.
  const issuers = issuer === undefined ? lookalikes(settings) : new Set([issuer]);
  const ids = new Set([...issuers].map(({ id }) => id));
  const isReached = proxied.some(({ service }) => ids.has(service));
  const asksForTokens = proxied.some((rule) => accessOf(rule) !== 'public');
  return services
    .flatMap((service, at): RouteProblem[] => {
      if (!issuers.has(service)) return [];
      if (issuer === undefined) return [unmarked(at)];
      return service.id === usualId ? [] : [otherwiseCalled(at, service.id)];
    })
    .concat(asksForTokens && !isReached ? [nobodyLogsIn] : []);
};
