import { type GatewaySettings, needsPlainSecret } from '../config.ts';
import type { OwnRule, RouteFile, RouteRule, ServiceRule } from '../routes.ts';
import type { RouteProblem } from './check-form.ts';
import { issuerWarnings } from './check-issuer.ts';
import { checkRules } from './check-rules.ts';
import { readRouteFile, type TellProblem, tellPlainly } from './read-route-file.ts';

/** Services and routes that can be put in force. */
export interface EffectiveRules {
  readonly services: readonly ServiceRule[];
  readonly routes: readonly RouteRule[];
}

/** Rules, or every reason why there are none; both with what somebody should look at. One line each, for a person. */
export interface RulesReading {
  readonly rules: EffectiveRules | undefined;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** Every server answers these. */
const ownRules: readonly OwnRule[] = [
  { path: '/health', answer: 'health' },
  { path: '/ready', answer: 'ready' },
];

const completed = (routes: readonly RouteRule[]): readonly RouteRule[] => [
  ...routes,
  ...ownRules.filter(({ path }) => !routes.some((rule) => rule.path === path)),
];

const plainSecretProblems = (settings: GatewaySettings, services: readonly ServiceRule[]): RouteProblem[] =>
  needsPlainSecret({ services, gatewaySecret: settings.gatewaySecret })
    ? [{ pointer: '/services', problem: 'mark a service as plain, but GATEWAY_SECRET is not set' }]
    : [];

const judge = (settings: GatewaySettings, { services, routes }: EffectiveRules, tell: TellProblem): RulesReading => {
  const { accessCookie } = settings;
  const issuers = settings.issuers.map(({ id }) => id);
  const { problems, warnings } = checkRules({ services, routes, accessCookie, issuers });
  const all = [...problems, ...plainSecretProblems(settings, services)];
  return Object.freeze({
    rules: all.length === 0 ? { services, routes: completed(routes) } : undefined,
    problems: all.map(tell),
    warnings: [...warnings, ...issuerWarnings({ ...settings, services, routes })].map(tell),
  });
};

const ofFile = (settings: GatewaySettings, { services, routes }: RouteFile, tell: TellProblem): RulesReading =>
  judge(settings, { services: services ?? settings.services, routes }, tell);

/**
 * What is to be in force: the route file, else the rules of the settings. Never throws.
 * @param path the route file; undefined: none
 */
export const readRules = async (settings: GatewaySettings, path: string | undefined): Promise<RulesReading> => {
  if (path === undefined) return judge(settings, settings, tellPlainly);
  const reading = await readRouteFile(
    path,
    settings.services.map(({ id }) => id),
  );
  if (reading.file === undefined) return { rules: undefined, problems: reading.problems, warnings: [] };
  return ofFile(settings, reading.file, reading.tell);
};
