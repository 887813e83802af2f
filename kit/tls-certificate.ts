/**
 * The certificate that a listener shows, and the authorities whose clients it lets in, read again when their files change. Never:
 * makes a key, asks an authority for a certificate, or goes on without TLS where it was asked for.
 */
import { resolve } from 'node:path';
import type { SettingProblem } from './config-error.ts';
import type { Listener, ServerCertificate } from './listener-open.ts';
import { type FollowLog, followFiles, tellCertificate, type Watching } from './tls-files.ts';
import { expiryOf, readAuthorities, readPair } from './tls-pem.ts';

/** As the settings of one listener name them: `<prefix>CERT_PATH`, `<prefix>KEY_PATH`, `<prefix>CLIENT_CA_PATH`. */
export interface TlsFiles {
  /** `AUTH_TLS_`, `GATEWAY_PRIVATE_TLS_`. */
  readonly prefix: string;
  readonly certPath: string | undefined;
  readonly keyPath: string | undefined;
  /** Mutual TLS: clients show a certificate of one of these authorities, or get no connection. */
  readonly clientCaPath: string | undefined;
}

/** One without the other, or clients that are asked for a certificate where no TLS is spoken. */
export const tlsProblems = ({ prefix, certPath, keyPath, clientCaPath }: TlsFiles): readonly SettingProblem[] => {
  const problem = 'is required';
  return [
    ...(certPath !== undefined && keyPath === undefined ? [{ setting: `${prefix}KEY_PATH`, problem }] : []),
    ...(certPath === undefined && (keyPath ?? clientCaPath) !== undefined
      ? [{ setting: `${prefix}CERT_PATH`, problem }]
      : []),
  ];
};

export interface OpenCertificate {
  readonly certificate: ServerCertificate;
  /** When the certificate in use, or one that vouches for it, expires: milliseconds since 1970. */
  readonly expiresAtMs: () => number;
  /** Gives the listener what the files hold whenever they change; what cannot be used is logged and changes nothing. */
  follow(options: { readonly listener: Pick<Listener, 'renew'>; readonly log: FollowLog }): Watching;
}

/**
 * Reads the certificate that the settings name. Undefined: plain HTTP.
 * @throws SettingsError where the files cannot be read, or do not belong together
 */
export const openCertificate = (files: TlsFiles, nowMs: () => number): OpenCertificate | undefined => {
  const { prefix, certPath, keyPath, clientCaPath } = files;
  if (certPath === undefined || keyPath === undefined) return undefined;
  const cert = { path: resolve(certPath), setting: `${prefix}CERT_PATH` };
  const key = { path: resolve(keyPath), setting: `${prefix}KEY_PATH` };
  const clientCa = clientCaPath === undefined ? undefined : resolve(clientCaPath);
  const read = (): ServerCertificate => ({
    ...readPair({ cert, key }),
    ...(clientCa !== undefined && { clientCa: readAuthorities(clientCa, `${prefix}CLIENT_CA_PATH`) }),
  });
  const followed = followFiles({
    paths: [cert.path, key.path, ...(clientCa === undefined ? [] : [clientCa])],
    read,
    isSame: (before, now) => before.cert === now.cert && String(before.clientCa) === String(now.clientCa),
  });
  const follow: OpenCertificate['follow'] = ({ listener, log }) => {
    tellCertificate(followed.current().cert, log, nowMs());
    return followed.watch(log, (next) => {
      listener.renew(next);
      tellCertificate(next.cert, log, nowMs());
    });
  };
  return Object.freeze({
    certificate: followed.current(),
    expiresAtMs: () => expiryOf(followed.current().cert),
    follow,
  });
};

export interface TlsParts {
  readonly files: TlsFiles;
  readonly log: FollowLog;
  readonly nowMs: () => number;
  /** Told of the certificate, for the metric of its end. */
  readonly watch?: (expiresAtMs: () => number) => void;
}

export interface ReloadingListener extends Listener {
  /** Reads the files again at once, where there are any. */
  readonly reload: () => void;
}

/**
 * Opens a listener that speaks TLS where the settings name a certificate, and plain HTTP where they name none.
 * @param open `listen` or `privateListener`, with the certificate in its options
 * @throws SettingsError where the certificate cannot be used, and whatever `open` throws
 */
export const withCertificate = async (
  { files, log, nowMs, watch }: TlsParts,
  open: (certificate: ServerCertificate | undefined) => Promise<Listener>,
): Promise<ReloadingListener> => {
  const tls = openCertificate(files, nowMs);
  const listener = await open(tls?.certificate);
  if (tls !== undefined) watch?.(tls.expiresAtMs);
  const following = tls?.follow({ listener, log });
  return Object.freeze({
    ...listener,
    reload: () => following?.reload(),
    close: (limitMs?: number) => {
      following?.close();
      return listener.close(limitMs);
    },
  });
};
