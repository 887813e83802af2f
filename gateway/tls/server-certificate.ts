/**
 * TLS at the gateway's two sides: the certificate that it shows to clients, read again when its files change, and whom it believes
 * behind it. Never: makes a key, asks an authority for a certificate, or goes on without TLS where it was asked for.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { SettingsError } from '@sallyport/kit/config';
import type { Listener, ServerCertificate } from '@sallyport/kit/listener';
import type { Log } from '@sallyport/kit/log';
import type { GatewaySettings } from '../config.ts';
import { fingerprintOf, watchFile } from '../routes/watch-file.ts';

export interface OpenCertificate {
  readonly certificate: ServerCertificate;
  /** When the certificate in use, or one that vouches for it, expires: milliseconds since 1970. */
  readonly expiresAtMs: () => number;
  /** Gives the listener what the files hold whenever they change; what cannot be used is logged and changes nothing. */
  follow(options: { readonly listener: Pick<Listener, 'renew'>; readonly log: FollowLog }): { close(): void };
}

type FollowLog = Pick<Log, 'info' | 'warn' | 'error'>;

const dayMs = 86_400_000;
/** Certificates of ACME authorities are renewed with a third of their life left, thirty days as a rule. */
const warnBeforeDays = 14;

/**
 * Reads the certificate that the settings name. Undefined: the gateway speaks plain HTTP.
 * @throws SettingsError where the files cannot be read, or do not belong together
 */
export const openCertificate = (
  { tlsCertPath, tlsKeyPath }: Pick<GatewaySettings, 'tlsCertPath' | 'tlsKeyPath'>,
  nowMs: () => number,
): OpenCertificate | undefined => {
  if (tlsCertPath === undefined || tlsKeyPath === undefined) return undefined;
  const paths = { cert: resolve(tlsCertPath), key: resolve(tlsKeyPath) };
  const known = { cert: fingerprintOf(paths.cert), key: fingerprintOf(paths.key) };
  const first = readPair(paths);
  let held = first.cert;
  const follow: OpenCertificate['follow'] = ({ listener, log }) => {
    tell(first, log, nowMs());
    const renew = (): void => {
      try {
        const next = readPair(paths);
        if (next.cert === held) return;
        listener.renew(next);
        held = next.cert;
        tell(next, log, nowMs());
      } catch (error) {
        // Between the writing of the one file and the other they do not belong together: the second change brings both.
        const problems = error instanceof SettingsError ? error.problems.map(({ problem }) => problem) : [];
        log.error({ problems }, 'TLS certificate refused, the one before it stays');
      }
    };
    const watchers = (['cert', 'key'] as const).map((name) =>
      watchFile({ path: paths[name], known: known[name], onChange: renew }),
    );
    return {
      close: () => {
        for (const watcher of watchers) watcher.close();
      },
    };
  };
  return Object.freeze({ certificate: first, expiresAtMs: () => expiryOf(held), follow });
};

const readPair = (paths: { readonly cert: string; readonly key: string }): ServerCertificate => {
  const cert = readPem(paths.cert, 'GATEWAY_TLS_CERT_PATH');
  const key = readPem(paths.key, 'GATEWAY_TLS_KEY_PATH');
  const leaf = parsed('GATEWAY_TLS_CERT_PATH', 'holds no certificate (PEM)', () => new X509Certificate(cert));
  const own = parsed('GATEWAY_TLS_KEY_PATH', 'holds no private key (PEM, without passphrase)', () =>
    createPrivateKey(key),
  );
  if (!leaf.checkPrivateKey(own)) refuse('GATEWAY_TLS_KEY_PATH', 'is not the key of the first certificate');
  return { cert, key };
};

const tell = ({ cert }: ServerCertificate, log: FollowLog, nowMs: number): void => {
  const { subject, subjectAltName, validToDate } = new X509Certificate(cert);
  const daysLeft = Math.floor((validToDate.getTime() - nowMs) / dayMs);
  const about = { subject, names: subjectAltName, validTo: validToDate.toISOString(), daysLeft };
  if (daysLeft < 0) log.error(about, 'TLS certificate has expired');
  else if (daysLeft < warnBeforeDays) log.warn(about, 'TLS certificate expires soon');
  else log.info(about, 'TLS certificate in use');
};

const onePem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Of the first one in the chain that expires: without it, clients believe the others no more. */
const expiryOf = (chain: string): number =>
  Math.min(...(chain.match(onePem) ?? []).map((pem) => new X509Certificate(pem).validToDate.getTime()));

export const readPem = (path: string, setting: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    return refuse(setting, `cannot be read (${code})`);
  }
};

export const parsed = <Value>(setting: string, problem: string, parse: () => Value): Value => {
  try {
    return parse();
  } catch {
    return refuse(setting, problem);
  }
};

const refuse = (setting: string, problem: string): never => {
  throw new SettingsError([{ setting, problem }]);
};
