/**
 * What the three services have in common, so that each can be read as what it does: settings, the app with its guard,
 * problems, listeners, the life of the process.
 * Never: anything that one service alone knows, and no secret is ever made here.
 */
import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { readTls, type TlsFiles } from '@sallyport/example-kit/tls';
import { type AssertionKey, assertionKeysFrom, tlsFetchFrom } from '@sallyport/verify';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The settings cannot be used. The message says which one, and never holds a secret. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

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

/** The process environment over the `.env` of the working folder. */
export const readEnvironment = (env: Environment, envFile: string): Environment => {
  const given = Object.fromEntries(Object.entries(env).filter(([, text]) => text?.trim()));
  return existsSync(envFile) ? { ...parseEnv(readFileSync(envFile, 'utf8')), ...given } : given;
};

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
    tls: tls(env),
    dataDir: env['SALLYPORT_DATA_DIR'] ?? 'data',
    logLevel: env['LOG_LEVEL'] ?? 'info',
    leewaySeconds: leeway(env),
    clockOffsetMs: integer(env, 'SALLYPORT_CLOCK_OFFSET_SECONDS', 0, -31_536_000, 31_536_000) * 1000,
  };
};

/** A secret, from `<name>` or from the file that `<name>_FILE` names. @throws SettingsError where there is none */
export const readSecret = (env: Environment, name: string): string => {
  const file = env[`${name}_FILE`];
  const text = (env[name] ?? (file === undefined ? undefined : readFileSync(file, 'utf8')))?.trim();
  if (!text) throw new SettingsError(`${name} is required`);
  if (Buffer.byteLength(text) < 32) throw new SettingsError(`${name} must have at least 32 bytes`);
  return text;
};

/** An http(s) address. @throws SettingsError */
export const readUrl = (env: Environment, name: string, fallback: string): string => {
  const text = env[name] ?? fallback;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new SettingsError(`${name} must be an http or https URL`);
  return text.replace(/\/+$/, '');
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

const tls = (env: Environment): TlsFiles | undefined => {
  try {
    return readTls(env);
  } catch (error) {
    throw new SettingsError(error instanceof Error ? error.message : 'TLS_CERT_PATH cannot be used');
  }
};

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

const integer = (env: Environment, name: string, fallback: number, least: number, most: number): number => {
  const text = env[name]?.trim() ?? String(fallback);
  const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most))
    throw new SettingsError(`${name} must be a whole number from ${least} to ${most}`);
  return value;
};
