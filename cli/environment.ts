import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

export type Environment = Readonly<Record<string, string>>;

/** The process environment over the `.env` of the working folder. Empty values count as not given. */
export const readEnvironment = (env: Readonly<Record<string, string | undefined>>, envFile: string): Environment => {
  const layers = [existsSync(envFile) ? parseEnv(readFileSync(envFile, 'utf8')) : {}, env];
  return Object.freeze(Object.assign({}, ...layers.map(withoutEmpty)));
};

const withoutEmpty = (layer: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(layer).flatMap(([name, text]) => (text === undefined || text.trim() === '' ? [] : [[name, text]])),
  );

/** Any of these names a database of somebody's own. */
const databaseNames = ['DATABASE_URL', 'DB_DSN', 'AUTH_DB_CONNECTION_STRING'] as const;

export const namesDatabase = (env: Environment): boolean =>
  databaseNames.some((name) => (env[name] ?? '') !== '' || (env[`${name}_FILE`] ?? '') !== '');
