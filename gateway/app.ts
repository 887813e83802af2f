/**
 * The gateway: the life of a request as one array of steps, and everything it is made of. Owns no listener and no process;
 * `server.ts` does.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createCsrfTokens } from '@sallyport/kit/csrf';
import { createAddressList } from './address/address-list.ts';
import type { GatewaySettings } from './config.ts';
import { createDispatcher, createRefuse } from './dispatcher.ts';
import { type Arrival, createExchange, type Step } from './exchange.ts';
import { answerAsked } from './forward-auth/answer-asked.ts';
import { forwardAuth } from './forward-auth/forward-auth.ts';
import { issuerWarnings } from './issuers/open-issuer.ts';
import { createOpenExchanges } from './open-exchanges.ts';
import { createPace } from './pace.ts';
import { paceVerifier } from './paced-verifier.ts';
import { createDemandProof } from './proof/demand-proof.ts';
import { watchBound } from './revocation-bound.ts';
import { openRevocations } from './revocations.ts';
import { createRouteSource, type RouteSource } from './routes/route-source.ts';
import { createUserLimits } from './routes/user-limits.ts';
import type { GatewayDependencies, StepParts } from './step-parts.ts';
import { accessLog } from './steps/access-log.ts';
import { authenticate } from './steps/authenticate.ts';
import { authorise } from './steps/authorise.ts';
import { canonicalTargetStep } from './steps/canonical-target.ts';
import { cors } from './steps/cors.ts';
import { csrf } from './steps/csrf.ts';
import { floodLimit } from './steps/flood-limit.ts';
import { limits } from './steps/limits.ts';
import { preflight } from './steps/preflight.ts';
import { proxy } from './steps/proxy.ts';
import { revocation } from './steps/revocation.ts';
import { route } from './steps/route.ts';
import { routeIssuers } from './steps/route-issuers.ts';
import { signIdentity } from './steps/sign-identity.ts';
import { userLimit } from './steps/user-limit.ts';
import { openTrust } from './tls/service-trust.ts';
import { openUpstream, type UpstreamOptions } from './upstreams/upstream.ts';
import { openVerifier } from './verifier.ts';

export interface Gateway {
  /** Answers one request of `node:http`. */
  readonly handle: (req: IncomingMessage, res: ServerResponse) => void;
  /** The same for a client that waits for `100 Continue`. */
  readonly handleExpecting: (req: IncomingMessage, res: ServerResponse) => void;
  /** The same for a WebSocket handshake; the response stands on the request's own socket. */
  readonly handleUpgrade: (req: IncomingMessage, res: ServerResponse) => void;
  /** Ends what would never end by itself: event streams and WebSockets. Every answer from now on ends its connection. */
  readonly endTunnels: () => void;
  /** Whether access tokens can be judged. */
  readonly isReady: () => boolean;
  /** Puts other routes in force; requests that are under way keep theirs. */
  readonly adopt: RouteSource['adopt'];
  /** Reads the certificate that is shown to services, and their authorities, again. */
  readonly reloadCertificates: () => void;
  readonly close: () => Promise<void>;
}

/** How late after its token's expiry an open connection is cut at most. */
const expiryCheckMs = 1000;

/** The life of a request. */
export const requestSteps = (parts: StepParts): readonly Step[] => {
  const { settings, log, metrics, clock, random, elapsedMs, table, signers, verifier, revocations } = parts;
  const { gatewayId, accessCookie } = settings;
  const trustedProxies = createAddressList(settings.trustedProxies);
  return [
    accessLog({
      ...{ log, metrics, random, clock, trustedProxies, elapsedMs },
      sample: settings.accessLogSample,
      tracing: parts.tracing,
    }),
    cors({ origins: settings.corsOrigins }),
    // Before anything is refused: contracts/microservices.md, "everything counts".
    floodLimit({ ...floodNumbers(settings), elapsedMs, make: parts.makeLimiter }),
    forwardAuth({ proxies: settings.forwardAuthProxies }),
    limits(),
    canonicalTargetStep(),
    preflight(),
    route({ table, serviceName: settings.serviceName, isReady: parts.isProcessReady ?? parts.isReady }),
    authenticate({ verifier, demandProof: parts.demandProof, accessCookie }),
    revocation({ revocations }),
    routeIssuers(),
    authorise(),
    csrf({
      tokens: createCsrfTokens({ keys: csrfKeys(settings), random }),
      cookie: settings.csrfCookie,
      origins: settings.corsOrigins,
    }),
    userLimit({ elapsedMs }),
    signIdentity({
      gatewayId,
      signers,
      namesIssuer: settings.issuers.length > 0,
      plainSecret: settings.gatewaySecret,
      clock,
    }),
    answerAsked(),
    proxy({
      authCookies: [
        settings.csrfCookie,
        ...(accessCookie === undefined ? [] : [accessCookie]),
        ...settings.authCookies,
      ],
      gatewayId,
      protocol: settings.tlsCertPath === undefined ? 'http' : 'https',
      trustedProxies,
      openExchanges: parts.openExchanges,
      elapsedMs,
      refuse: parts.refuse,
    }),
  ];
};

/**
 * Throws where a key cannot be read. Opens no connection but the one to the revocation feed.
 * @param settings with the services and routes that are to be in force first
 */
export const createGateway = (settings: GatewaySettings, dependencies: GatewayDependencies): Gateway => {
  const { log, metrics, clock, elapsedMs } = dependencies;
  const userLimits = createUserLimits(dependencies.makeLimiter);
  const trust = openTrust(settings);
  const following = trust?.follow(log, clock.nowMs);
  if (trust?.expiresAtMs !== undefined) metrics.watchCertificate(trust.expiresAtMs);
  const open = (service: UpstreamOptions) => openUpstream(service, { elapsedMs, log, trust });
  const routes = createRouteSource({ settings, rules: settings, open, userLimits, elapsedMs });
  metrics.watchUpstreams(routes);
  for (const warning of issuerWarnings(settings.issuers)) log.warn({ warning }, 'insecure setting');
  const { verifier, isReady: hasKeys, hurryKeys, keyFetches } = openVerifier(settings, clock);
  metrics.watchVerifier(verifier);
  metrics.watchKeys(keyFetches);
  const revocations = openRevocations({
    ...{ settings, elapsedMs },
    onChange: () => openExchanges.cutDead(),
    onKeyRemoved: hurryKeys,
  });
  metrics.watchRevocations(revocations);
  const bound = watchBound({ feed: revocations, boundSeconds: settings.revocationBoundSeconds, log });
  metrics.watchRevocationBound(bound);
  const openExchanges = createOpenExchanges({
    revocations,
    nowMs: clock.nowMs,
    elapsedMs,
    leewayMs: settings.clockLeewaySeconds * 1000,
  });
  const expiry = setInterval(openExchanges.cutDead, expiryCheckMs);
  const isReady = (): boolean => hasKeys() && revocations.isReady();
  const refuse = createRefuse({ texts: settings.errorTexts, log });
  const { signers } = routes;
  const pace = createPace({ elapsedMs });
  const paced = paceVerifier(verifier, pace);
  const demandProof = createDemandProof({ settings, clock, uses: dependencies.proofs, pace });
  const steps = requestSteps({
    ...dependencies,
    ...{ settings, table: routes, signers, verifier: paced, demandProof, revocations, openExchanges, refuse, isReady },
  });

  const { dispatch } = createDispatcher(steps, refuse);
  let isStopping = false;
  const begin = (req: IncomingMessage, res: ServerResponse, arrival: Arrival): void => {
    if (isStopping) res.shouldKeepAlive = false;
    dispatch(createExchange(req, res, arrival, elapsedMs()));
  };
  const inTurn = (req: IncomingMessage, res: ServerResponse, arrival: Arrival): void => {
    // Answers leave a connection one by one (RFC 9112 §9.3.2), and so are requests sent on: one client that does not wait for them
    // cannot fill a service's line with a single packet. Until its turn a response has no socket.
    if (res.socket === null) res.once('socket', () => process.nextTick(begin, req, res, arrival));
    else begin(req, res, arrival);
  };
  return Object.freeze({
    handle: (req: IncomingMessage, res: ServerResponse) => inTurn(req, res, 'plain'),
    handleExpecting: (req: IncomingMessage, res: ServerResponse) => inTurn(req, res, 'expects continue'),
    handleUpgrade: (req: IncomingMessage, res: ServerResponse) => begin(req, res, 'upgrade'),
    endTunnels: () => {
      isStopping = true;
      openExchanges.endAll();
    },
    isReady,
    adopt: routes.adopt,
    reloadCertificates: () => following?.reload(),
    close: async () => {
      clearInterval(expiry);
      following?.close();
      bound.close();
      await Promise.all([revocations.close(), routes.close()]);
    },
  });
};

const floodNumbers = ({ floodLimitPerMinute: perMinute, floodLimitBurst: burst }: GatewaySettings) => ({
  perMinute,
  burst,
});

const csrfKeys = ({ csrfKeys: keys }: GatewaySettings) =>
  (keys ?? []).map(({ kid, key }) => ({ kid: Number(kid), key }));
