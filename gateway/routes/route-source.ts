import type { AssertionSigner } from '@sallyport/verify';
import type { GatewaySettings } from '../config.ts';
import { assertionSigners } from '../identity/assertion-signers.ts';
import { ownIssuer } from '../issuers/issuer-rule.ts';
import { createRouteTable, type RouteTable } from '../route-table.ts';
import { issuerOrigin, upstreamOptions } from '../upstreams/open-upstreams.ts';
import type { Upstream, UpstreamOptions } from '../upstreams/upstream.ts';
import type { EffectiveRules, RulesReading } from './effective-rules.ts';
import { createServicePools } from './service-pools.ts';
import type { UserLimits } from './user-limits.ts';

export interface RouteSourceOptions {
  readonly settings: GatewaySettings;
  readonly rules: EffectiveRules;
  readonly open: (options: UpstreamOptions) => Upstream;
  readonly userLimits: UserLimits;
  readonly elapsedMs: () => number;
}

/** What became of a new reading. */
export type Adoption =
  | { readonly ok: true; readonly routes: number }
  | { readonly ok: false; readonly problems: readonly string[] };

/**
 * The table in force, what it forwards to, and the step from one table to the next. A request asks once and keeps its route, and with
 * it upstream, policy and limits: it sees one table from start to end.
 */
export interface RouteSource extends RouteTable {
  /** Signers of all services, also of those that come later. */
  readonly signers: ReadonlyMap<string, AssertionSigner>;
  /** Puts all of a reading in force, or nothing of it. */
  adopt(reading: RulesReading): Adoption;
  readonly routes: number;
  /** Of the table in force. */
  readonly upstreams: readonly Upstream[];
  close(): Promise<void>;
}

/** How often it is asked whether connections to services that are gone can be closed. */
const sweepMs = 1000;

/** Throws where a rule names no service; `checkRules` has asked before. */
export const createRouteSource = (options: RouteSourceOptions): RouteSource => {
  const { settings, userLimits, elapsedMs, open } = options;
  const pools = createServicePools({ open, elapsedMs });
  const signers = new Map<string, AssertionSigner>();
  const sweep = setInterval(pools.closeUnused, sweepMs);
  sweep.unref();
  const home = issuerOrigin({ ...settings, services: options.rules.services });
  const issuers = issuerNames(settings);
  let table: RouteTable;
  let routes = 0;
  let inForce: readonly Upstream[] = [];

  const use = (rules: EffectiveRules): void => {
    const isNew = ({ id }: { readonly id: string }): boolean => !signers.has(id);
    const made = assertionSigners({ masterKeys: settings.masterKeys, services: rules.services.filter(isNew) });
    for (const [id, signer] of made) signers.set(id, signer);
    const upstreams = pools.use(rules.services.map((service) => upstreamOptions(settings, service)));
    table = createRouteTable(rules.routes, { upstreams, userLimits, issuers, bodyLimitBytes: settings.bodyLimitBytes });
    routes = rules.routes.length;
    inForce = [...upstreams.values()];
  };

  const adopt = ({ rules, problems }: RulesReading): Adoption => {
    if (rules === undefined) return { ok: false, problems };
    if (needsIssuer(settings) && issuerOrigin({ ...settings, services: rules.services }) !== home) {
      return { ok: false, problems: [`the issuer has moved from ${home}: that needs a restart`] };
    }
    use(rules);
    return { ok: true, routes };
  };

  use(options.rules);
  return Object.freeze({
    find: (path: string, method: string, host: string | undefined) => table.find(path, method, host),
    signers,
    adopt,
    get routes() {
      return routes;
    },
    get upstreams() {
      return inForce;
    },
    close: async () => {
      clearInterval(sweep);
      await pools.close();
    },
  });
};

/** Undefined: the own issuer is the only one. */
const issuerNames = ({ issuer, issuers }: GatewaySettings): ReadonlyMap<string, string> | undefined =>
  issuers.length === 0
    ? undefined
    : new Map([[ownIssuer, issuer], ...issuers.map((rule): [string, string] => [rule.id, rule.issuer])]);

/** Keys or the revocation feed come from where the issuer is; both are asked for at the start. */
const needsIssuer = (settings: GatewaySettings): boolean =>
  (settings.revocationFeed && settings.revocationFeedUrl === undefined) ||
  (settings.jwtAlgorithm !== 'HS256' && settings.jwtPublicKeyPath === undefined);
