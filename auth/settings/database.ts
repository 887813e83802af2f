/** The store: which, where, and how it is spoken to. */
import { integerSetting, type SettingProblem, textSetting } from '@sallyport/kit/config';
import { isPostgresUrl, type PostgresTarget, parseTarget } from '@sallyport/storage/postgres/target';

/** libpq's form, as in `host=db user=auth dbname=auth_db`. */
const isPairs = (text: string): boolean => /^\s*\w+\s*=/.test(text);
export const isPostgres = (text: string): boolean => isPostgresUrl(text) || isPairs(text);

const problemOf = (text: string): string | undefined => {
  try {
    parseTarget(text);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : 'cannot be read';
  }
};

/** What is wrong with a store's URL; undefined: nothing. */
export const databaseProblem = (text: string): string | undefined => {
  if (text.startsWith('sqlite:')) return undefined;
  if (isPostgres(text)) return problemOf(text);
  return 'must begin with sqlite: or postgres://, or have the form host=… user=… dbname=…';
};

const listenProblem = (text: string): string | undefined =>
  isPostgres(text) ? problemOf(text) : 'must begin with postgres://, or have the form host=… user=… dbname=…';

export const databaseTlsWarning = (text: string): string | undefined => {
  if (!isPostgres(text) || problemOf(text) !== undefined) return undefined;
  const { tls } = parseTarget(text);
  if (tls === 'require') return 'has sslmode=require: nobody asks who answers, and whoever stands between can read all';
  const isDefault = parseTarget(text.replace(/[?&\s]*sslmode=\w+&?/, isPairs(text) ? ' ' : '?')).tls === tls;
  return tls === 'disable' && !isDefault ? 'has sslmode=disable: it is spoken in clear to another machine' : undefined;
};

export const databaseSettings = {
  databaseUrl: textSetting({
    env: 'DATABASE_URL',
    aliases: ['DB_DSN', 'AUTH_DB_CONNECTION_STRING'],
    optional: true,
    secret: true,
    check: databaseProblem,
    insecure: databaseTlsWarning,
    doc: 'The store: `sqlite:<path>`, `postgres://user:password@host:5432/database?sslmode=…`, or `host=… user=… dbname=… sslmode=…`. `sslmode` is `disable`, `require`, `verify-ca` or `verify-full`; where it is not stated, `verify-full`, and `disable` on the way to this machine itself. Default: `sallyport.db` in the data folder.',
  }),
  databasePassword: textSetting({
    env: 'DB_PASSWORD',
    optional: true,
    secret: true,
    doc: 'Password for PostgreSQL, where `DATABASE_URL` holds none.',
  }),
  databaseListenUrl: textSetting({
    env: 'DATABASE_LISTEN_URL',
    optional: true,
    secret: true,
    check: listenProblem,
    insecure: databaseTlsWarning,
    doc: 'The same PostgreSQL without the pooler that `DATABASE_URL` leads to: LISTEN needs a connection of its own. Default: as `DATABASE_URL`.',
  }),
  databaseSchema: textSetting({
    env: 'DATABASE_SCHEMA',
    default: 'sallyport',
    pattern: /^[a-z_][a-z0-9_]{0,39}$/,
    doc: 'Schema in PostgreSQL that holds all tables and functions. Made at the first start.',
  }),
  databasePoolSize: integerSetting({
    env: 'DATABASE_POOL_SIZE',
    min: 1,
    max: 500,
    default: 10,
    doc: 'Connections to PostgreSQL of one issuer, beside the one that listens.',
  }),
  databaseCaPath: textSetting({
    env: 'DATABASE_CA_PATH',
    optional: true,
    doc: "PEM file of the authorities that may have signed PostgreSQL's certificate. Default: those that Node.js knows.",
  }),
};

interface DatabaseSettings {
  readonly databaseUrl: string | undefined;
  readonly databasePassword: string | undefined;
  readonly databaseListenUrl: string | undefined;
  readonly databaseCaPath: string | undefined;
}

/** Undefined: it is SQLite. */
export const postgresTargets = (
  settings: DatabaseSettings,
): { readonly target: PostgresTarget; readonly listenTarget?: PostgresTarget } | undefined => {
  const { databaseUrl, databasePassword: password, databaseListenUrl } = settings;
  if (databaseUrl === undefined || !isPostgres(databaseUrl)) return undefined;
  const target = parseTarget(databaseUrl, password);
  return databaseListenUrl === undefined
    ? { target }
    : { target, listenTarget: parseTarget(databaseListenUrl, password) };
};

export const databaseProblems = (settings: DatabaseSettings): readonly SettingProblem[] => {
  if (settings.databaseUrl !== undefined && isPostgres(settings.databaseUrl)) {
    try {
      postgresTargets(settings);
      return [];
    } catch {
      return [{ setting: 'DB_PASSWORD', problem: 'is another password than the one in DATABASE_URL: remove one' }];
    }
  }
  const given: readonly (readonly [string, string | undefined])[] = [
    ['DB_PASSWORD', settings.databasePassword],
    ['DATABASE_LISTEN_URL', settings.databaseListenUrl],
    ['DATABASE_CA_PATH', settings.databaseCaPath],
  ];
  return given
    .filter(([, value]) => value !== undefined)
    .map(([setting]) => ({ setting, problem: 'is set, and DATABASE_URL names no PostgreSQL' }));
};
