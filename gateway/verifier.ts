import { readFileSync } from 'node:fs';
import type { Clock } from '@sallyport/kit/clock';
import { SettingsError } from '@sallyport/kit/config';
import {
  type AccessTokenVerifier,
  createAccessTokenVerifier,
  joinedKeys,
  type KeySource,
  publicKeysFromPem,
  type RemoteKeySource,
  remoteJwks,
  sharedSecrets,
} from '@sallyport/verify';
import type { GatewaySettings } from './config.ts';
import { type Lackable, ownIssuer } from './issuers/issuer-rule.ts';
import { allowancesOf, trustedIssuer } from './issuers/open-issuer.ts';
import { issuerFetch } from './tls/issuer-fetch.ts';
import { issuerOrigin } from './upstreams/open-upstreams.ts';

const secretsOf = ({ jwtSecret, jwtSecretPrevious }: GatewaySettings): KeySource =>
  sharedSecrets([jwtSecret, jwtSecretPrevious].filter((secret) => secret !== undefined).map((secret) => ({ secret })));

type Fetch = typeof globalThis.fetch;

const jwksOf = (settings: GatewaySettings, clock: Clock, given: Fetch | undefined): KeySource => {
  const url = `${issuerOrigin(settings)}/.well-known/jwks.json`;
  const fetch = given ?? issuerFetch(settings, url);
  return remoteJwks({
    url,
    refreshSeconds: settings.jwksRefreshSeconds,
    cooldownSeconds: settings.jwksCooldownSeconds,
    clock,
    ...(fetch !== undefined && { fetch }),
  });
};

/** What the own issuer signs with. */
const keySource = (settings: GatewaySettings, clock: Clock, fetch: Fetch | undefined): KeySource => {
  if (settings.jwtAlgorithm === 'HS256') return secretsOf(settings);
  if (settings.jwtPublicKeyPath === undefined) return jwksOf(settings, clock, fetch);
  return keysOfFile(settings.jwtPublicKeyPath);
};

const keysOfFile = (path: string): KeySource => {
  try {
    return publicKeysFromPem(readFileSync(path, 'utf8'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown error';
    throw new SettingsError([{ setting: 'JWT_PUBLIC_KEY_PATH', problem: `cannot be used: ${reason}` }]);
  }
};

/** Those and, after a change to key pairs, the secret of before. */
const trustedKeys = (keys: KeySource, { jwtAlgorithm, jwtSecretPrevious: secret }: GatewaySettings) =>
  jwtAlgorithm === 'HS256' || secret === undefined
    ? { keys, algorithms: [jwtAlgorithm] }
    : { keys: joinedKeys(keys, sharedSecrets([{ secret }])), algorithms: [jwtAlgorithm, 'HS256' as const] };

export interface OpenVerifier {
  readonly verifier: AccessTokenVerifier;
  /** Whether there is a key to judge the own issuer's tokens with: no other one keeps the gateway from serving. Asking fetches the issuer's keys where there is none yet. */
  readonly isReady: () => boolean;
  /** The own issuer's keys have just changed. */
  readonly hurryKeys: () => void;
  /** Of every issuer whose keys come over the network. */
  readonly keyFetches: () => readonly KeyFetches[];
}

export interface KeyFetches {
  /** Its short name; `own` is the gateway's own. */
  readonly issuer: string;
  readonly fetches: number;
  readonly failures: number;
}

const isRemote = (keys: KeySource): keys is RemoteKeySource => 'stats' in keys;

/**
 * The verifier of the settings' issuers. Throws where a key file cannot be read or holds something else.
 * @param fetch how keys are fetched; default the global one, and towards the own issuer as `issuer-fetch.ts` says
 */
export const openVerifier = (settings: GatewaySettings, clock: Clock, fetch?: Fetch): OpenVerifier => {
  const keys = keySource(settings, clock, fetch);
  const others = settings.issuers.map((rule) => trustedIssuer(rule, clock, fetch));
  const sources = [
    { issuer: ownIssuer, keys },
    ...others.map(({ idScope, keys: of }) => ({ issuer: idScope, keys: of })),
  ];
  const verifier = createAccessTokenVerifier({
    issuers: [
      {
        issuer: settings.issuer,
        audience: settings.audience,
        ...trustedKeys(keys, settings),
        legacy: allowancesOf(settings.mayLack as readonly Lackable[]),
      },
      ...others,
    ],
    clock,
    leewaySeconds: settings.clockLeewaySeconds,
  });
  const isReady = (): boolean => {
    const now = clock.nowMs();
    if (keys.current(now).keys.length > 0) return true;
    // The fetch runs by itself and never rejects; the next question finds its result.
    void keys.refetch?.(now);
    return false;
  };
  const keyFetches = (): readonly KeyFetches[] =>
    sources.flatMap(({ issuer = '', keys: of }) => (isRemote(of) ? [{ issuer, ...of.stats() }] : []));
  const hurryKeys = (): void => {
    if (isRemote(keys)) keys.hurry();
  };
  return Object.freeze({ verifier, isReady, hurryKeys, keyFetches });
};
