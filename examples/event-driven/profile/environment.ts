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
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    throw new SettingsError(`${name}_FILE: ${path} cannot be read`);
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
