import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { createServer as createPlainServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer, type Server as SecureServer } from 'node:https';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { type Environment, SettingsError } from './environment.ts';

/** Files in PEM. */
export interface TlsFiles {
  readonly certPath: string;
  readonly keyPath: string;
  /** Mutual TLS: whoever shows no certificate of these authorities, such as the gateway's, gets no connection. */
  readonly clientCaPath: string | undefined;
}

/** `TLS_CERT_PATH`, `TLS_KEY_PATH` and `TLS_CLIENT_CA_PATH`; undefined: plain HTTP. @throws SettingsError */
export const readTls = (env: Environment): TlsFiles | undefined => {
  const { TLS_CERT_PATH: certPath, TLS_KEY_PATH: keyPath, TLS_CLIENT_CA_PATH: clientCaPath } = env;
  if (certPath === undefined && (keyPath ?? clientCaPath) === undefined) return undefined;
  if (certPath === undefined) throw new SettingsError('TLS_CERT_PATH is required');
  if (keyPath === undefined) throw new SettingsError('TLS_KEY_PATH is required');
  const files = { certPath, keyPath, clientCaPath };
  try {
    createSecureContext(contextOf(files));
    return files;
  } catch {
    // The message of the TLS library may quote a file.
    throw new SettingsError(
      'TLS_CERT_PATH, TLS_KEY_PATH or TLS_CLIENT_CA_PATH cannot be read, or do not belong together',
    );
  }
};

const watchEveryMs = 2000;

/** A server that speaks TLS with these files, renewed ones included, or plain HTTP where there are none. */
export const createServiceServer = (
  tls: TlsFiles | undefined,
  options: ServerOptions,
  handler: RequestListener,
): Server => {
  if (tls === undefined) return createPlainServer(options, handler);
  const asksClients = tls.clientCaPath !== undefined;
  const secure = { ...contextOf(tls), requestCert: asksClients, rejectUnauthorized: asksClients };
  const server = createServer({ ...options, handshakeTimeout: 10_000, ...secure }, handler);
  // Whoever fails to shake hands is nobody's failure.
  server.on('tlsClientError', (_, socket) => socket.destroy());
  follow(server, tls);
  return server;
};

const follow = (server: SecureServer, tls: TlsFiles): void => {
  const paths = [tls.certPath, tls.keyPath, tls.clientCaPath].filter((path) => path !== undefined);
  const renew = (): void => {
    try {
      server.setSecureContext(contextOf(tls));
    } catch {
      // Between the writing of the one file and the other they do not belong together: the pair before stays.
    }
  };
  for (const path of paths) watchFile(path, { interval: watchEveryMs, persistent: false }, renew);
  server.once('close', () => {
    for (const path of paths) unwatchFile(path, renew);
  });
};

const contextOf = ({ certPath, keyPath, clientCaPath }: TlsFiles): SecureContextOptions => ({
  cert: readFileSync(certPath),
  key: readFileSync(keyPath),
  minVersion: 'TLSv1.2',
  ...(clientCaPath !== undefined && { ca: readFileSync(clientCaPath) }),
});
