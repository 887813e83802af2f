/**
 * The gateway: the life of a request as one array of steps, and everything it is made of. Owns no listener and no process;
 * `server.ts` does.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '@sallyport/kit/clock';
import { createCsrfTokens } from '@sallyport/kit/csrf';
import type { Log } from '@sallyport/kit/log';
import type { Random } from '@sallyport/kit/random';
import { createAddressList } from './address/address-list.ts';
import type { GatewaySettings } from './config.ts';
import { createDispatcher, createRefuse } from './dispatcher.ts';
import { createExchange, type Step } from './exchange.ts';
import { assertionSigners } from './identity/assertion-signers.ts';
import type { GatewayMetrics } from './metrics.ts';
import { createOpenExchanges } from './open-exchanges.ts';
import { openRevocations } from './revocations.ts';
import { createRouteTable } from './route-table.ts';
import { accessLog } from './steps/access-log.ts';
import { authenticate } from './steps/authenticate.ts';
import { canonicalTargetStep } from './steps/canonical-target.ts';
import { cors } from './steps/cors.ts';
import { csrf } from './steps/csrf.ts';
import { floodLimit } from './steps/flood-limit.ts';
import { limits } from './steps/limits.ts';
import { preflight } from './steps/preflight.ts';
import { proxy } from './steps/proxy.ts';
import { revocation } from './steps/revocation.ts';
import { route } from './steps/route.ts';
import { signIdentity } from './steps/sign-identity.ts';
import { openUpstreams } from './upstreams/open-upstreams.ts';
import { openVerifier } from './verifier.ts';

export interface GatewayDependencies {
  readonly log: Log;
  readonly metrics: GatewayMetrics;
  readonly clock: Clock;
  readonly random: Random;
  /** Milliseconds that only grow, for durations and limits. */
  readonly elapsedMs: () => number;
}

export interface Gateway {
  /** Answers one request of `node:http`. */
  readonly handle: (req: IncomingMessage, res: ServerResponse) => void;
  /** The same for a client that waits for `100 Continue`. */
  readonly handleExpecting: (req: IncomingMessage, res: ServerResponse) => void;
  /** Whether access tokens can be judged. */
  readonly isReady: () => boolean;
  readonly close: () => Promise<void>;
}

/** How late after its token's expiry an open connection is cut at most. */
const expiryCheckMs = 1000;

/** Throws where a key cannot be read. Opens no connection but the one to the revocation feed. */
export const createGateway = (settings: GatewaySettings, dependencies: GatewayDependencies): Gateway => {
  const { log, metrics, clock, random, elapsedMs } = dependencies;
  const { gatewayId, bodyLimitBytes } = settings;
  const { upstreams, close } = openUpstreams(settings);
  const { verifier, isReady: hasKeys } = openVerifier(settings, clock);
  metrics.watchVerifier(verifier);
  const revocations = openRevocations({ settings, clock, elapsedMs, onChange: () => openExchanges.cutDead() });
  metrics.watchRevocations(revocations);
  const openExchanges = createOpenExchanges({
    revocations,
    nowMs: clock.nowMs,
    elapsedMs,
    leewayMs: settings.clockLeewaySeconds * 1000,
  });
  const expiry = setInterval(openExchanges.cutDead, expiryCheckMs);
  const isReady = (): boolean => hasKeys() && revocations.isReady();
  const trustedProxies = createAddressList(settings.trustedProxies);
  const refuse = createRefuse({ texts: settings.errorTexts, log });

  /** The life of a request. */
  const steps: readonly Step[] = [
    accessLog({ log, metrics, random, clock, trustedProxies, elapsedMs }),
    cors({ origins: settings.corsOrigins }),
    // Before anything is refused: contracts/microservices.md, "everything counts".
    floodLimit({ perMinute: settings.floodLimitPerMinute, burst: settings.floodLimitBurst, elapsedMs }),
    limits({ bodyLimitBytes }),
    canonicalTargetStep(),
    preflight(),
    route({
      table: createRouteTable(settings.routes, upstreams),
      serviceName: settings.serviceName,
      isReady,
    }),
    authenticate({ verifier }),
    revocation({ revocations }),
    csrf({
      tokens: createCsrfTokens({ keys: csrfKeys(settings), random }),
      cookie: settings.csrfCookie,
    }),
    signIdentity({
      gatewayId,
      signers: assertionSigners(settings),
      plainSecret: settings.gatewaySecret,
      clock,
    }),
    proxy({
      bodyLimitBytes,
      authCookies: [settings.csrfCookie, ...settings.authCookies],
      gatewayId,
      trustedProxies,
      openExchanges,
      refuse,
    }),
  ];

  const { dispatch } = createDispatcher(steps, refuse);
  return Object.freeze({
    handle: (req: IncomingMessage, res: ServerResponse) => dispatch(createExchange(req, res, false, elapsedMs())),
    handleExpecting: (req: IncomingMessage, res: ServerResponse) =>
      dispatch(createExchange(req, res, true, elapsedMs())),
    isReady,
    close: async () => {
      clearInterval(expiry);
      await Promise.all([revocations.close(), close()]);
    },
  });
};

const csrfKeys = ({ csrfKeys: keys }: GatewaySettings) =>
  (keys ?? []).map(({ kid, key }) => ({ kid: Number(kid), key }));
