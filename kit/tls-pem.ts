import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SettingsError } from './config-error.ts';

/** PEM. */
export interface CertificatePair {
  /** The own certificate first, then those between it and the root (RFC 8446 §4.4.2). */
  readonly cert: string;
  readonly key: string;
}

/** Where a pair stands, and the settings that say so: what is wrong is told under their names. */
export interface PairPlace {
  readonly cert: { readonly path: string; readonly setting: string };
  readonly key: { readonly path: string; readonly setting: string };
}

/** @throws SettingsError where the files cannot be read, hold something else, or do not belong together */
export const readPair = (place: PairPlace): CertificatePair => {
  const cert = readPem(place.cert.path, place.cert.setting);
  const key = readPem(place.key.path, place.key.setting);
  const leaf = parsed(place.cert.setting, 'holds no certificate (PEM)', () => new X509Certificate(cert));
  const own = parsed(place.key.setting, 'holds no private key (PEM, without passphrase)', () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(own)) refuse(place.key.setting, 'is not the key of the first certificate');
  return { cert, key };
};

/** The certificates of a file, each by itself; at least one. @throws SettingsError */
export const readAuthorities = (path: string, setting: string): readonly string[] => {
  const found = certificatesIn(readPem(path, setting));
  return parsed(setting, 'holds no certificate (PEM)', () => {
    if (found.length === 0) throw new TypeError('no certificate');
    for (const one of found) new X509Certificate(one);
    return found;
  });
};

const onePem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

const certificatesIn = (text: string): readonly string[] => text.match(onePem) ?? [];

/** Of the first one in the chain that expires: without it, the others are believed no more. Milliseconds since 1970. */
export const expiryOf = (chain: string): number =>
  Math.min(...certificatesIn(chain).map((pem) => new X509Certificate(pem).validToDate.getTime()));

const readPem = (path: string, setting: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    return refuse(setting, `cannot be read (${code})`);
  }
};

const parsed = <Value>(setting: string, problem: string, parse: () => Value): Value => {
  try {
    return parse();
  } catch {
    return refuse(setting, problem);
  }
};

const refuse = (setting: string, problem: string): never => {
  throw new SettingsError([{ setting, problem }]);
};
