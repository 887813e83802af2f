import { readFileSync } from 'node:fs';
import type { Clock } from '@sallyport/kit/clock';
import { SettingsError } from '@sallyport/kit/config';
import {
  type KeySource,
  type LegacyAllowances,
  publicKeysFromPem,
  remoteJwks,
  sharedSecrets,
  type TrustedIssuer,
} from '@sallyport/verify';
import type { IssuerRule, Lackable } from './issuer-rule.ts';

/** Runs what reads a file; what goes wrong is told under the setting that names it, without a word of what is in it. */
const fromFile = <T>({ id }: IssuerRule, member: keyof IssuerRule, read: () => T): T => {
  try {
    return read();
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown error';
    throw new SettingsError([{ setting: `issuers.${id}.${member}`, problem: `cannot be used: ${reason}` }]);
  }
};

/** Without the line end that editors add. */
const secretText = (path: string): string => readFileSync(path, 'utf8').replace(/\r?\n$/, '');

const keysOf = (rule: IssuerRule, clock: Clock, fetch: typeof globalThis.fetch | undefined): KeySource => {
  const { jwksUrl, publicKeyPath, secretFile } = rule;
  if (secretFile !== undefined) {
    return fromFile(rule, 'secretFile', () => sharedSecrets([{ secret: secretText(secretFile) }]));
  }
  if (publicKeyPath !== undefined) {
    return fromFile(rule, 'publicKeyPath', () => publicKeysFromPem(readFileSync(publicKeyPath, 'utf8')));
  }
  return remoteJwks({ url: jwksUrl ?? '', clock, ...(fetch !== undefined && { fetch }) });
};

/**
 * A token without `sid` is taken from every issuer: it can be revoked by user, and cannot change anything where CSRF is asked for
 * (`csrf_unbound`). Everything else only where the settings name it.
 */
export const allowancesOf = (mayLack: readonly Lackable[] = []): LegacyAllowances =>
  Object.freeze({
    allowMissingTyp: mayLack.includes('typ'),
    allowMissingAudience: mayLack.includes('aud'),
    allowMissingJti: mayLack.includes('jti'),
    allowMissingSid: true,
    allowMissingKid: mayLack.includes('kid'),
  });

/**
 * An issuer as the verifier takes it. Public keys behind a URL are fetched when its first token comes.
 * @throws SettingsError where a file cannot be read or holds something else
 */
export const trustedIssuer = (rule: IssuerRule, clock: Clock, fetch?: typeof globalThis.fetch): TrustedIssuer => ({
  issuer: rule.issuer,
  audience: rule.audience,
  algorithms: [rule.algorithm],
  keys: keysOf(rule, clock, fetch),
  idScope: rule.id,
  legacy: allowancesOf(rule.mayLack),
});

/** Where an issuer's feed is, and the bearer for it; undefined: it has none. @throws SettingsError as above */
export const feedOf = (rule: IssuerRule): { readonly origin: string; readonly token: string } | undefined => {
  const { feedUrl, feedTokenFile } = rule;
  if (feedUrl === undefined || feedTokenFile === undefined) return undefined;
  return { origin: new URL(feedUrl).origin, token: fromFile(rule, 'feedTokenFile', () => secretText(feedTokenFile)) };
};

const isHere = ({ hostname }: URL): boolean => /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);

/** What somebody should look at, one sentence each. */
export const issuerWarnings = (rules: readonly IssuerRule[]): readonly string[] =>
  rules.flatMap(({ id, jwksUrl, feedUrl }) => {
    const keys = jwksUrl === undefined ? undefined : new URL(jwksUrl);
    return [
      ...(feedUrl === undefined
        ? [`issuers.${id} has no feedUrl: tokens of ended sessions pass until they expire`]
        : []),
      ...(keys?.protocol === 'http:' && !isHere(keys)
        ? [`issuers.${id}.jwksUrl is fetched without TLS: whoever is on the way chooses its keys`]
        : []),
    ];
  });
