/**
 * The composition root: builds every room and mounts it. What the issuer consists of can be read here from top to bottom.
 */
import { revocationFeedPath } from '@sallyport/contract';
import { issuerRoutes, type RouteId } from '@sallyport/contract/routes';
import type { Clock } from '@sallyport/kit/clock';
import { createCsrfTokens } from '@sallyport/kit/csrf';
import type { PrivateListenerOptions } from '@sallyport/kit/listener';
import type { Log } from '@sallyport/kit/log';
import type { Random } from '@sallyport/kit/random';
import type { Audit } from '@sallyport/storage/contracts/audit';
import type { Storage } from '@sallyport/storage/contracts/storage';
import { createAccessTokenVerifier, createAssertionVerifier, createProofChecker, publicUrlOf } from '@sallyport/verify';
import type { FastifyInstance } from 'fastify';
import { createChangePassword } from './account/change-password.ts';
import { createDeleteAccount } from './account/delete-account.ts';
import { createAccountHttp } from './account/http.ts';
import { auditPath, createAuditHttp } from './audit/http.ts';
import { createAuthenticate } from './authenticate.ts';
import { type CleanOptions, clean, type Removed } from './cleanup/clean.ts';
import { type ResealOptions, reseal } from './cleanup/reseal.ts';
import { startCleanup } from './cleanup/schedule.ts';
import { createClientAddress } from './client-address.ts';
import type { AuthSettings } from './config.ts';
import { mountCors } from './cors.ts';
import { countOutcomes } from './count-outcomes.ts';
import { createConfirmDevice } from './devices/confirm-device.ts';
import { createDevicesHttp } from './devices/http.ts';
import { createRegisterDevice } from './devices/register-device.ts';
import { createRevokeDevice } from './devices/revoke-device.ts';
import { mountDocs } from './docs.ts';
import { mountEventSchemas } from './event-schemas.ts';
import { createAddressLimit } from './factors/address-limit.ts';
import { createDeviceFactor } from './factors/device-proof.ts';
import type { PasswordFactor, PasswordPolicy } from './factors/factor.ts';
import { createGuessGuard } from './factors/guess-guard.ts';
import { createFastifyApp } from './fastify-app.ts';
import { createHealthHttp } from './health.ts';
import { createKeysHttp } from './keys/http.ts';
import { createLoginHttp } from './login/http.ts';
import { createLogin, type LoginDevices } from './login/login.ts';
import { createLogoutHttp } from './logout/http.ts';
import { createLogout } from './logout/logout.ts';
import { type MountOptions, mountRoutes, traceFieldsOf, watchRequests } from './mount.ts';
import { createDeviceLimit } from './refresh/device-limit.ts';
import { createRefreshHttp } from './refresh/http.ts';
import { createRefresh, type RefreshOptions } from './refresh/refresh.ts';
import { createRegisterHttp } from './register/http.ts';
import { createRegister } from './register/register.ts';
import { type Feed, startFeed } from './revocations/feed.ts';
import { createRevocationsHttp } from './revocations/http.ts';
import { startTidying } from './revocations/tidy.ts';
import type { Handlers } from './route.ts';
import { createSessionsHttp } from './sessions/http.ts';
import { createAccessTokenIssuer } from './tokens/issue.ts';
import { createKeyProver } from './tokens/prove-key.ts';
import type { KeyRing } from './tokens/public-ring.ts';
import type { RefreshTokens } from './tokens/refresh-token.ts';
import { createRefreshTransport } from './tokens/refresh-transport.ts';
import { createSessionRenewer } from './tokens/renew-session.ts';
import { createSignAhead } from './tokens/sign-ahead.ts';
import { createSessionStarter } from './tokens/start-session.ts';
import { createTokenAnswer } from './tokens/token-answer.ts';
import type { UnsettledRotations } from './tokens/unsettled.ts';

export interface AppParts {
  readonly settings: AuthSettings;
  readonly storage: Storage;
  /** Where the audit trail is kept. */
  readonly trail: Audit;
  /** One step of its retention. */
  readonly cutAudit: CleanOptions['cutAudit'];
  readonly resealing: Pick<ResealOptions, 'sealer' | 'kids'>;
  readonly ring: KeyRing;
  readonly refreshTokens: RefreshTokens;
  readonly unsettled: UnsettledRotations;
  readonly password: PasswordFactor;
  readonly policy: PasswordPolicy;
  readonly isReady: () => Promise<boolean>;
  readonly onRefreshAnomaly: RefreshOptions['onAnomaly'];
  /** How a login or a refresh ended, in one word of a short list. */
  readonly onLoginEnded: (outcome: string) => void;
  readonly onRefreshEnded: (outcome: string) => void;
  /** What a run of the cleanup has removed. */
  readonly onCleanedUp: (removed: Removed) => void;
  readonly onCleanupFailed: () => void;
  readonly observe: (route: RouteId | 'none', status: number, seconds: number) => void;
  readonly countSdk: MountOptions['countSdk'];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Where requests are told as spans; undefined: nowhere. */
  readonly spans?: MountOptions['spans'];
  /** A request that a limit has refused. */
  readonly onLimitHit: MountOptions['onLimitHit'];
  readonly aroundAct: MountOptions['aroundAct'];
}

export interface BuiltApp {
  /** What the public listener serves. */
  readonly app: FastifyInstance;
  /** What the private one serves beside health and metrics. */
  readonly privateRoutes: NonNullable<PrivateListenerOptions['routes']>;
  readonly feed: Feed;
  readonly stopTidying: () => Promise<void>;
  readonly stopCleanup: () => Promise<void>;
}

export const buildApp = async (parts: AppParts): Promise<BuiltApp> => {
  const { settings, storage, ring, refreshTokens, password, clock, random, log } = parts;
  const passwordPolicy = parts.policy;
  const { accounts, sessions, effects } = storage;
  const shape = settings.shape;
  const idleTtlMs = settings.refreshTokenTtlSeconds * 1000;
  const policy = {
    rotation: settings.refreshRotation,
    overlapMs: settings.refreshOverlapSeconds * 1000,
    ahead: settings.refreshAhead,
  };

  const csrf = createCsrfTokens({ keys: settings.csrfKeys.map(({ kid, key }) => ({ kid: Number(kid), key })), random });
  const transport = createRefreshTransport(settings);
  const issueAccessToken = createAccessTokenIssuer({ key: () => ring.current, settings, clock, random });
  const answerWithTokens = createTokenAnswer({ issueAccessToken, csrf, transport, settings });
  const signAhead = createSignAhead({ key: () => ring.current, issueAccessToken });
  const startSession = createSessionStarter({ sessions, tokens: refreshTokens, random, clock, signAhead, settings });
  const renewSession = createSessionRenewer({ sessions, tokens: refreshTokens, random, idleTtlMs });

  const { prover, strangersProver } = createProvers(parts);
  const guard = createGuessGuard({ counters: storage.counters, settings, clock, random });
  const limit = createAddressLimit({
    ...{ counters: storage.counters, clock, purpose: 'register-address', name: 'registration' },
    windowMs: 3_600_000,
    limit: settings.registrationLimitPerHour,
  });
  const register = createRegister({
    ...{ accounts, password, policy: passwordPolicy, random, clock, shape, limit },
    ...(settings.registrationIssuesTokens && { readyToSign: signAhead.ready }),
  });
  const device = createDeviceFactor({
    devices: storage.devices,
    nonces: storage.lastingNonces,
    clock,
    random,
    windowMs: settings.deviceLoginWindowSeconds * 1000,
  });
  const devices: LoginDevices = {
    factor: device,
    limitRefused: createAddressLimit({
      ...{ counters: storage.counters, clock, purpose: 'device-refused', name: 'login', windowMs: 60_000 },
      limit: settings.loginLimitPerMinute === 0 ? 0 : settings.loginLimitPerAddress,
    }),
    noteSeen: storage.devices.noteDeviceSeen,
    endSession: (sessionId, context) => sessions.endSession({ sessionId, cause: 'device_revoked', context }),
  };
  const loginParts = { accounts, effects, password, guard, startSession, shape };
  const login = countOutcomes(
    createLogin({ ...loginParts, ...(shape.devices === true && { devices }) }),
    (outcome) => (outcome.kind === 'tokens' ? 'ok' : outcome.reason),
    parts.onLoginEnded,
  );
  const onAnomaly = parts.onRefreshAnomaly;
  const refreshParts = { sessions, accounts, effects, tokens: refreshTokens, policy, idleTtlMs, onAnomaly };
  const limitPerHour = settings.refreshLimitPerHour;
  const limitDevice = createDeviceLimit({ counters: storage.counters, limitPerHour, clock });
  const refresh = countOutcomes(
    createRefresh({ ...refreshParts, unsettled: parts.unsettled, signAhead, random, limitDevice }),
    (outcome) => (outcome.kind === 'refreshed' ? 'ok' : outcome.code),
    parts.onRefreshEnded,
  );
  const logout = createLogout({ accounts, sessions, tokens: refreshTokens });
  const endEarlierSession = logout.logout;
  const changeParts = { accounts, sessions, effects, password, guard, renewSession };
  const changePassword = createChangePassword({
    ...changeParts,
    policy: passwordPolicy,
    readyToSign: signAhead.ready,
  });
  const deleteAccount = createDeleteAccount({ accounts, sessions });

  const registerDevice = createRegisterDevice({
    ...{ accounts, effects, password, guard, limit, random, clock, makeAccount: register },
    devices: storage.devices,
    devicesPerUser: settings.devicesPerUser,
    prover: strangersProver,
    sign: (input) => ring.current.signJws(input),
  });
  const confirmDevice = createConfirmDevice({ devices: storage.devices, random });
  const revokeDevice = createRevokeDevice({ accounts, devices: storage.devices, sessions });

  const authenticate = createAuthenticate({ verifier: createVerifier(parts), sessions, accounts, prover });

  const handlers: Handlers = {
    ...createRegisterHttp({ register, startSession, endEarlierSession, transport, answerWithTokens, settings }),
    ...createLoginHttp({ login, prover: strangersProver, endEarlierSession, transport, answerWithTokens, settings }),
    ...createRefreshHttp({ refresh, prover, transport, clock, answerWithTokens, settings }),
    ...createLogoutHttp({ logout, authenticate, transport, settings }),
    ...createSessionsHttp({ sessions, settings }),
    ...createDevicesHttp({ registerDevice, confirmDevice, revokeDevice, devices: storage.devices, settings }),
    ...createAccountHttp({ changePassword, deleteAccount, transport, answerWithTokens, csrf, settings }),
    ...createKeysHttp({ ring, settings }),
    ...createHealthHttp({ serviceName: settings.serviceName, isReady: parts.isReady }),
  };

  const app = createFastifyApp({
    ...{ texts: settings.errorTexts, random, clock, log, about: traceFieldsOf },
    isSecure: publicUrl(settings).startsWith('https:'),
  });
  const routes = issuerRoutes(shape);
  const mounted: MountOptions = {
    ...settings,
    routes,
    handlers,
    authenticate,
    clientAddress: createClientAddress(createAssertions(parts)),
    // refresh.md: 1 s up to half the overlap.
    storeRetrySeconds: () => 1 + Math.floor(Math.random() * Math.max(1, settings.refreshOverlapSeconds / 2)),
    random,
    log,
    spans: parts.spans,
    observe: parts.observe,
    countSdk: parts.countSdk,
    onLimitHit: parts.onLimitHit,
    aroundAct: parts.aroundAct,
  };
  watchRequests(app, mounted);
  await mountCors(app, settings.corsOrigins);
  mountRoutes(app, mounted);
  mountDocs(app, { routes, basePath: settings.basePath, title: settings.serviceName });
  mountEventSchemas(app, settings.basePath);
  await app.ready();
  const feed = startFeed({
    revocations: storage.revocations,
    issuer: settings.issuer,
    pollMs: feedPollMs,
    heartbeatMs: feedHeartbeatMs,
    elapsedMs: () => performance.now(),
    onError: (err) => log.error({ err }, 'reading revocations failed'),
  });
  const stopTidying = startTidying({
    revocations: storage.revocations,
    maxEntries: settings.revocationMaxEntries,
    pauseMs: tidyPauseMs,
    onFolded: ({ folded, users }) => {
      log.info({ folded, users }, 'revocations of ended sessions folded into one of each user');
      feed.renew();
    },
    onError: (err) => log.error({ err }, 'tidying revocations failed'),
  });
  const stopCleanup = startCleanup({
    clean: async (signal) => {
      const removed = await clean({ storage, settings, signal, cutAudit: parts.cutAudit });
      const resealed = await reseal({ ...parts.resealing, rootKeys: storage.rootKeys, signal });
      if (resealed.unopened > 0) log.warn(resealed, 'sealed values cannot be opened');
      else if (resealed.resealed > 0) log.info(resealed, 'values sealed under the first root key');
      return removed;
    },
    intervalMs: settings.cleanupIntervalSeconds * 1000,
    spread: Math.random,
    onDone: (removed) => {
      parts.onCleanedUp(removed);
      log.info({ removed }, 'cleaned up');
    },
    onError: (err) => {
      parts.onCleanupFailed();
      log.error({ err }, 'cleanup failed');
    },
  });
  const onSubscribe = (subscriber: string, sdk: string | undefined): void => {
    if (sdk !== undefined) parts.countSdk(sdk);
    log.info({ subscriber }, 'revocation feed subscribed');
  };
  const revocations = createRevocationsHttp({ feed, rootKeys: settings.rootKeys, onSubscribe });
  const readAudit = createAuditHttp({ audit: parts.trail, effects, authenticate, clock, random });
  const privateRoutes = { [`GET ${revocationFeedPath}`]: revocations, [`GET ${auditPath}`]: readAudit };
  return { app, feed, stopTidying, stopCleanup, privateRoutes };
};

/** What other processes on the store have revoked is found this soon; what this one has revoked at once. */
const feedPollMs = 50;
const tidyPauseMs = 2000;
const feedHeartbeatMs = 500;

const createVerifier = ({ settings, ring, clock }: AppParts) =>
  createAccessTokenVerifier({
    issuers: [
      {
        issuer: settings.issuer,
        audience: settings.audience,
        algorithms: ring.algorithms,
        keys: ring.verification,
      },
    ],
    clock,
    leewaySeconds: settings.clockLeewaySeconds,
  });

/**
 * Who has no tokens of ours yet does not know our clock: at a registration and a login a proof may be as far from it as the login's own
 * timestamp. Afterwards a client counts from what its tokens say.
 */
const createProvers = ({ settings, storage, clock }: AppParts) => {
  const { clockLeewaySeconds, proofMaxAgeSeconds, deviceLoginWindowSeconds } = settings;
  const place = {
    publicUrl: publicUrl(settings),
    nonces: storage.lastingNonces,
  };
  const known = { clock, leewaySeconds: clockLeewaySeconds, maxAgeSeconds: proofMaxAgeSeconds };
  const strangers = { clock, leewaySeconds: deviceLoginWindowSeconds, maxAgeSeconds: 0 };
  return {
    prover: createKeyProver({ ...place, check: createProofChecker(known) }),
    strangersProver: createKeyProver({ ...place, check: createProofChecker(strangers) }),
  };
};

/** Where clients find the issuer. */
const publicUrl = (settings: AppParts['settings']): string =>
  publicUrlOf(settings.authPublicUrl ?? settings.publicUrl ?? ownUrl(settings));

/** As somebody on this machine has it. */
const ownUrl = ({ port, portOffset, tlsCertPath }: AppParts['settings']): string =>
  `${tlsCertPath === undefined ? 'http' : 'https'}://localhost:${port + portOffset}`;

const createAssertions = ({ settings, clock }: AppParts) =>
  settings.assertionKeys &&
  createAssertionVerifier({
    service: settings.serviceName,
    keys: settings.assertionKeys,
    clock,
    leewaySeconds: settings.clockLeewaySeconds,
  });
