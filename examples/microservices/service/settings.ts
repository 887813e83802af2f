/**
 * What the three services have in common, so that each can be read as what it does: settings, the app with its guard,
 * problems, listeners, the life of the process.
 * Never: anything that one service alone knows, and no secret is ever made here.
 */
import { type Environment, integerOf as integer, SettingsError, secretOf } from '@sallyport/example-kit/environment';
import { readTls, type TlsFiles } from '@sallyport/example-kit/tls';
import { type AssertionKey, assertionKeysFrom, tlsFetchFrom } from '@sallyport/verify';

export interface ServiceSettings {
  /** Keys that the gateway's assertions for this service are checked with. */
  readonly assertionKeys: readonly AssertionKey[];
  /** Addresses of the public listener. Default: both loopbacks. */
  readonly hosts: readonly string[];
  readonly port: number;
  readonly privatePort: number;
  /** Addresses of the private listener. Default: both loopbacks; in a container it has to be opened to the others. */
  readonly privateHosts: readonly string[];
  /** Both listeners speak TLS; undefined: plain HTTP. */
  readonly tls: TlsFiles | undefined;
  readonly dataDir: string;
  readonly logLevel: string;
  /** How far clocks may be apart. */
  readonly leewaySeconds: number;
  readonly clockOffsetMs: number;
}

const privatePortDistance = 1000;

/** @throws SettingsError */
export const readServiceSettings = (env: Environment, defaultPort: number): ServiceSettings => {
  const port = integer(env, 'PORT', defaultPort, 1, 65_535) + integer(env, 'SALLYPORT_PORT_OFFSET', 0, 0, 50_000);
  if (port + privatePortDistance > 65_535) throw new SettingsError(`SALLYPORT_PORT_OFFSET moves port ${port} too far`);
  return {
    assertionKeys: readAssertionKeys(env),
    hosts: hosts(env['HOST']),
    port,
    privatePort: port + privatePortDistance,
    privateHosts: hosts(env['PRIVATE_HOST']),
    tls: readTls(env),
    dataDir: env['SALLYPORT_DATA_DIR'] ?? 'data',
    logLevel: env['LOG_LEVEL'] ?? 'info',
    leewaySeconds: leeway(env),
    clockOffsetMs: integer(env, 'SALLYPORT_CLOCK_OFFSET_SECONDS', 0, -31_536_000, 31_536_000) * 1000,
  };
};

/** A secret, from `<name>` or from the file that `<name>_FILE` names. @throws SettingsError where there is none */
export const readSecret = (env: Environment, name: string): string => {
  const text = secretOf(env, name)?.trim();
  if (!text) throw new SettingsError(`${name} is required`);
  if (Buffer.byteLength(text) < 32) throw new SettingsError(`${name} must have at least 32 bytes`);
  return text;
};

/** Where another server of this example answers when nothing else is said. */
export const localUrl = (env: Environment, port: number): string =>
  `${tlsOfOthers(env)}://localhost:${port + integer(env, 'SALLYPORT_PORT_OFFSET', 0, 0, 50_000)}`;

/** How servers behind `https://` are called: OUTBOUND_CA_PATH, OUTBOUND_CERT_PATH and OUTBOUND_KEY_PATH. @throws SettingsError */
export const readFetch = (env: Environment, url: string): typeof globalThis.fetch => {
  try {
    return (url.startsWith('https:') ? tlsFetchFrom(env) : undefined) ?? globalThis.fetch;
  } catch (error) {
    throw new SettingsError(error instanceof Error ? error.message : 'OUTBOUND_CA_PATH cannot be used');
  }
};

/** The other services of this example are given the same settings. */
const tlsOfOthers = (env: Environment): 'http' | 'https' => (env['TLS_CERT_PATH'] === undefined ? 'http' : 'https');

const readAssertionKeys = (env: Environment): readonly AssertionKey[] => {
  try {
    return assertionKeysFrom(env);
  } catch (error) {
    throw new SettingsError(error instanceof Error ? error.message : 'GATEWAY_ASSERTION_KEYS is required');
  }
};

/** `30` or `30s`, as the other servers take it. */
const leeway = (env: Environment): number => {
  const text = env['CLOCK_LEEWAY_SECONDS']?.trim().replace(/s$/, '');
  return integer({ CLOCK_LEEWAY_SECONDS: text }, 'CLOCK_LEEWAY_SECONDS', 30, 0, 300);
};

const hosts = (text = 'localhost'): readonly string[] => text.split(',').map((host) => host.trim());
