/** What the page's server is told. It holds no secret, so there is none among its settings. */
import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The settings cannot be used. The message says which one. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

export interface PageSettings {
  /** Address of the public listener. Default `localhost`: both loopbacks. */
  readonly host: string;
  readonly port: number;
  readonly privatePort: number;
  /** Where the browser and this server reach the issuer's routes, for example `http://localhost:8080/api/v1/auth`. */
  readonly authUrl: string;
  readonly dataDir: string;
  readonly logLevel: string;
}

const privatePortDistance = 1000;

/** The process environment over the `.env` of the working folder. */
export const readEnvironment = (env: Environment, envFile: string): Environment => {
  const given = Object.fromEntries(Object.entries(env).filter(([, text]) => text?.trim()));
  return existsSync(envFile) ? { ...parseEnv(readFileSync(envFile, 'utf8')), ...given } : given;
};

/** @throws SettingsError */
export const readPageSettings = (env: Environment): PageSettings => {
  const offset = integer(env, 'SALLYPORT_PORT_OFFSET', 0, 0, 50_000);
  const port = integer(env, env['PAGE_PORT'] === undefined ? 'PORT' : 'PAGE_PORT', 3000, 1, 65_535) + offset;
  if (port + privatePortDistance > 65_535) throw new SettingsError(`SALLYPORT_PORT_OFFSET moves port ${port} too far`);
  const issuer = readUrl(env, 'AUTH_SERVICE_URL', `http://localhost:${8080 + offset}`);
  return Object.freeze({
    host: env['HOST']?.split(',')[0]?.trim() ?? 'localhost',
    port,
    privatePort: port + privatePortDistance,
    authUrl: `${issuer}${env['AUTH_BASE_PATH'] ?? '/api/v1/auth'}`,
    dataDir: env['SALLYPORT_DATA_DIR'] ?? 'data',
    logLevel: env['LOG_LEVEL'] ?? 'info',
  });
};

const readUrl = (env: Environment, name: string, fallback: string): string => {
  const text = env[name] ?? fallback;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new SettingsError(`${name} must be an http or https URL`);
  return text.replace(/\/+$/, '');
};

const integer = (env: Environment, name: string, fallback: number, least: number, most: number): number => {
  const text = env[name]?.trim() ?? String(fallback);
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most))
    throw new SettingsError(`${name} must be a whole number from ${least} to ${most}`);
  return value;
};
