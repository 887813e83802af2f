/**
 * What the command line may ask of the gateway without a server: its settings, the keys of its services, its routes, and what
 * it would do with a request. Never: opens a listener or a connection, or writes anything.
 */
import { encode } from '@sallyport/kit/base64url';
import { systemClock } from '@sallyport/kit/clock';
import { type NamedKey, SettingsError, settingRequired } from '@sallyport/kit/config';
import type { ServerInput } from '@sallyport/kit/lifecycle';
import { systemRandom } from '@sallyport/kit/random';
import { assertionKey } from '@sallyport/verify';
import { requestSteps } from './app.ts';
import type { GatewaySettings } from './config.ts';
import type { ExplainRequest, Explanation } from './explain/explain-request.ts';
import { type ExplainCaller, explainWithSettings } from './explain/explain-with-settings.ts';
import { loadGatewaySettings } from './load-settings.ts';
import { describeRule, type RouteDescription } from './routes/describe-rules.ts';
import { type RulesReading, readRules } from './routes/effective-rules.ts';
import { readRouteFile } from './routes/read-route-file.ts';

export { type GatewaySettings, gatewaySettings } from './config.ts';
export { examineGateway } from './examine.ts';
export type { Explanation } from './explain/explain-request.ts';
export type { ExplainCaller } from './explain/explain-with-settings.ts';
export { presets as gatewayPresets } from './presets/index.ts';
export type { RouteDescription } from './routes/describe-rules.ts';

type SettingsInput = Partial<ServerInput> & Pick<ServerInput, 'env'>;

/** What `gatewayKey` needs; the settings of a whole gateway fit. */
export type GatewayKeySettings = Pick<GatewaySettings, 'masterKeys' | 'services'> & {
  /** Where the services stand. Undefined: in the preset or the settings file. */
  readonly routesFile?: string | undefined;
};

/** The settings as far as keys need them: no other secret has to be there. Throws `SettingsError`. */
export const gatewayKeySettings = (input: SettingsInput): Pick<GatewaySettings, 'masterKeys'> =>
  loadGatewaySettings(input, () => []).settings;

/**
 * The same with the services that are in force: those of the route file, where there is one that lists any.
 * @throws SettingsError for settings, or a route file, that cannot be read
 */
export const gatewayKeyServices = async (input: SettingsInput): Promise<GatewayKeySettings> => {
  const { settings } = loadGatewaySettings(input, () => []);
  const { masterKeys, services, routesFile } = settings;
  if (routesFile === undefined) return { masterKeys, services };
  const reading = await readRouteFile(routesFile);
  if (reading.file === undefined) {
    throw new SettingsError(reading.problems.map((problem) => ({ setting: 'GATEWAY_ROUTES_FILE', problem })));
  }
  const own = reading.file.services;
  return own === undefined ? { masterKeys, services } : { masterKeys, services: own, routesFile };
};

/** The GATEWAY_ASSERTION_KEYS of any service id: `kid:base64url, …`, first = current. */
export const assertionKeysText = (service: string, masterKeys: readonly NamedKey[]): string =>
  masterKeys.map(({ kid, key }) => `${kid}:${encode(assertionKey(key, service))}`).join(', ');

/**
 * What a service gets as its GATEWAY_ASSERTION_KEYS.
 * @throws SettingsError without GATEWAY_MASTER_KEYS, or for a service that no setting names
 */
export const gatewayKey = (service: string, { masterKeys, services, routesFile }: GatewayKeySettings): string => {
  if (masterKeys === undefined) throw new SettingsError([settingRequired('GATEWAY_MASTER_KEYS')]);
  const ids = services.map(({ id }) => id);
  // A preset that lists no service leaves the id to the operator.
  if (ids.length > 0 && !ids.includes(service)) {
    const where =
      routesFile ?? 'the preset or the settings file (GATEWAY_ROUTES_FILE is not set, or lists no services)';
    const problem = `must be one of ${ids.join(', ')}, the services of ${where}, and is ${service}`;
    throw new SettingsError([{ setting: 'service', problem }]);
  }
  return assertionKeysText(service, masterKeys);
};

export interface RoutesReport {
  /** The route file; undefined: the preset's or the settings file's own routes. */
  readonly file: string | undefined;
  /** Empty where there are problems. */
  readonly routes: readonly RouteDescription[];
  /** What keeps the table out of force; one line each. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

interface RulesInForce extends RulesReading {
  readonly settings: GatewaySettings;
  readonly file: string | undefined;
}

/** No secret is needed to judge routes. */
const rulesInForce = async (input: SettingsInput, path: string | undefined): Promise<RulesInForce> => {
  const { settings } = loadGatewaySettings(input, () => []);
  const file = path ?? settings.routesFile;
  const reading = await readRules({ ...settings, gatewaySecret: settings.gatewaySecret ?? 'given at the start' }, file);
  return { ...reading, settings, file };
};

/**
 * The routes that a gateway with these settings would put in force, and everything that is wrong with them.
 * @param path a route file; default: that of the settings
 * @throws SettingsError for settings that cannot be read
 */
export const routesReport = async (input: SettingsInput, path?: string): Promise<RoutesReport> => {
  const { file, rules, problems, warnings } = await rulesInForce(input, path);
  return Object.freeze({ file, routes: (rules?.routes ?? []).map(describeRule), problems, warnings });
};

/**
 * What a gateway with these settings would do with a request. Assertions are signed with keys of the moment, so that nothing
 * printed can be used.
 * @throws SettingsError for settings or routes that cannot be used, or a token whose keys are not here
 */
export const explainDecision = async (
  input: SettingsInput,
  request: ExplainRequest & { readonly address: string },
  caller: ExplainCaller,
): Promise<Explanation> => {
  const { settings, rules, problems } = await rulesInForce(input, undefined);
  if (rules === undefined) throw new SettingsError(problems.map((problem) => ({ setting: 'routes', problem })));
  const parts = { stepsOf: requestSteps, clock: systemClock(settings.clockOffsetSeconds), random: systemRandom };
  return explainWithSettings({ ...settings, ...rules }, request, caller, parts);
};
