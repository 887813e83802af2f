import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The settings cannot be used. The message says which one, and never holds a secret. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/** The process environment over the `.env` of the working folder. */
export const readEnvironment = (env: Environment, envFile: string): Environment => {
  const given = Object.fromEntries(Object.entries(env).filter(([, text]) => text?.trim()));
  return existsSync(envFile) ? { ...parseEnv(readFileSync(envFile, 'utf8')), ...given } : given;
};

/** The setting, or the text of the file that `<NAME>_FILE` names. @throws SettingsError */
export const secretOf = (env: Environment, name: string): string | undefined => {
  const path = env[`${name}_FILE`];
  if (path === undefined) return env[name];
  if (env[name] !== undefined) throw new SettingsError(`${name} and ${name}_FILE are both set: remove one`);
  return readText(`${name}_FILE`, path).trim();
};

/** @throws SettingsError */
export const readText = (name: string, path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new SettingsError(`${name}: ${path} cannot be read`);
  }
};

/** @throws SettingsError */
export const integerOf = (env: Environment, name: string, fallback: number, least: number, most: number): number => {
  const text = env[name]?.trim() ?? String(fallback);
  const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most))
    throw new SettingsError(`${name} must be a whole number from ${least} to ${most}`);
  return value;
};

/** An http or https URL without a slash at the end. @throws SettingsError */
export const urlOf = (env: Environment, name: string, fallback: string): string => {
  const text = env[name] ?? fallback;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new SettingsError(`${name} must be an http or https URL`);
  return text.replace(/\/+$/, '');
};

const unitMs = { ms: 1, s: 1000, m: 60_000 } as const;

/** `10s`, `500ms`, `1m`, or a number of seconds. @throws SettingsError */
export const durationMsOf = (env: Environment, name: string, fallback: string): number => {
  const text = env[name]?.trim() ?? fallback;
  const [, count, unit = 's'] = /^(\d{1,6})(ms|s|m)?$/.exec(text) ?? [];
  if (count === undefined) throw new SettingsError(`${name} must be a duration such as 10s`);
  return Number(count) * unitMs[unit as keyof typeof unitMs];
};
