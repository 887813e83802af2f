/**
 * Who calls: access tokens are verified here, with the issuer's public key alone and no call to it. Ended sessions are heard of
 * through its revocation feed.
 */
import { readText, SettingsError } from '@sallyport/example-kit/environment';
import {
  type AccessTokenVerifier,
  createAccessTokenVerifier,
  type KeySource,
  openRevocationFeed,
  publicKeysFromPem,
  type RevocationFeed,
  remotePem,
} from '@sallyport/verify';
import type { ChatSettings } from './settings.ts';

export interface Callers {
  readonly verifier: AccessTokenVerifier;
  readonly revocations: RevocationFeed | undefined;
  /** Keys are here, and the feed is up to date. */
  isReady(): boolean;
  close(): Promise<void>;
}

/** A base URL, or the whole address of the public key. */
const publicKeyUrl = (userServiceUrl: string): string =>
  userServiceUrl.endsWith('/public-key') ? userServiceUrl : `${userServiceUrl.replace(/\/+$/, '')}/api/auth/public-key`;

/** Where there is no TLS there is no certificate to look at. */
const fetchFor = (url: string, { issuerFetch }: ChatSettings): { readonly fetch?: typeof globalThis.fetch } =>
  issuerFetch !== undefined && url.startsWith('https:') ? { fetch: issuerFetch } : {};

/** @throws SettingsError where no key can be had */
const openKeys = async (settings: ChatSettings, clock: { nowMs(): number }): Promise<KeySource> => {
  const { publicKeyPath, userServiceUrl = '', fetchRetries: retries, fetchTimeoutMs: timeoutMs } = settings;
  try {
    if (publicKeyPath !== undefined) return publicKeysFromPem(readText('JWT_PUBLIC_KEY_PATH', publicKeyPath));
    const url = publicKeyUrl(userServiceUrl);
    const keys = remotePem({ url, retries, timeoutMs, clock, ...fetchFor(url, settings) });
    await keys.load();
    return keys;
  } catch (error) {
    if (error instanceof SettingsError) throw error;
    const where = publicKeyPath === undefined ? 'USER_SERVICE_URL' : 'JWT_PUBLIC_KEY_PATH';
    throw new SettingsError(`${where}: no public key: ${error instanceof Error ? error.message : 'unknown error'}`);
  }
};

/** @param onRevoked told after sessions have ended, to cut what lives on */
export const openCallers = async (settings: ChatSettings, onRevoked: () => void): Promise<Callers> => {
  const { issuer, audience, leewaySeconds, clockOffsetMs } = settings;
  const clock = { nowMs: () => Date.now() + clockOffsetMs };
  const keys = await openKeys(settings, clock);
  const revocations =
    settings.revocations &&
    openRevocationFeed({
      ...settings.revocations,
      ...{ issuer, onChange: onRevoked },
      ...fetchFor(settings.revocations.url, settings),
    });
  const verifier = createAccessTokenVerifier({
    issuers: [{ issuer, audience, algorithms: ['RS256'], keys }],
    clock,
    leewaySeconds,
    ...(revocations && { isRevoked: revocations.isRevoked }),
  });
  return {
    verifier,
    revocations,
    isReady: () => revocations === undefined || revocations.isReady(),
    close: async () => revocations?.close(),
  };
};
