/** Where a MySQL or MariaDB is, and how it is spoken to. No message names a value of the URL: one may be a secret. */
import { isIP } from 'node:net';

export interface MySqlTarget {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password?: string;
  readonly tls: MySqlTlsMode;
}

/** As MySQL's own clients name them. `PREFERRED` is not served: whoever stands between decides with it. */
export type MySqlTlsMode = 'DISABLED' | 'REQUIRED' | 'VERIFY_CA' | 'VERIFY_IDENTITY';

const tlsModes: readonly string[] = [
  'DISABLED',
  'REQUIRED',
  'VERIFY_CA',
  'VERIFY_IDENTITY',
] satisfies readonly MySqlTlsMode[];

const defaultPort = 3306;

export const isMySqlUrl = (text: string): boolean => /^(mysql|mariadb):\/\//.test(text);

/**
 * @param text `mysql://user:password@host:3306/database?ssl-mode=VERIFY_IDENTITY`
 * @throws Error that says what is wrong, and no value
 */
export const parseMySqlTarget = (text: string): MySqlTarget => {
  const url = readUrl(text);
  const user = decoded(url.username);
  if (user === '') throw new Error('names no user');
  const database = decoded(url.pathname.slice(1));
  if (!/^[^/\0]{1,64}$/.test(database)) throw new Error('names no database');
  const password = decoded(url.password);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const mode = url.searchParams.get('ssl-mode') ?? undefined;
  url.searchParams.delete('ssl-mode');
  if (url.searchParams.size > 0) throw new Error('holds an option that is not known here: only ssl-mode is');
  const port = url.port === '' ? defaultPort : Number(url.port);
  return { host, port, database, user, ...(password !== '' && { password }), tls: tlsOf(mode, host) };
};

const readUrl = (text: string): URL => {
  try {
    // An unknown scheme's host would be taken as it stands.
    const url = new URL(text.replace(/^(mysql|mariadb):/, 'http:'));
    if (isMySqlUrl(text) && url.hostname !== '') return new URL(text.replace(/^(mysql|mariadb):/, 'mysql:'));
  } catch {
    // Its message would quote the text.
  }
  throw new Error(
    'is not a URL of the form mysql://user:password@host:3306/database: write @ and / in a password as %40, %2F',
  );
};

const decoded = (value: string): string => {
  try {
    return decodeURIComponent(value);
  } catch {
    throw new Error('holds a percent sign that encodes nothing: write it as %25');
  }
};

/** Whoever states nothing gets the certificate and its name verified, except on the way to this machine itself. */
const tlsOf = (given: string | undefined, host: string): MySqlTlsMode => {
  if (given === undefined && isOwnMachine(host)) return 'DISABLED';
  const mode = given?.toUpperCase().replaceAll('-', '_') ?? 'VERIFY_IDENTITY';
  if (!tlsModes.includes(mode)) throw new Error(`has an ssl-mode that is not served: use ${tlsModes.join(', ')}`);
  // The client would compare the certificate with `localhost`.
  if (mode === 'VERIFY_IDENTITY' && isIP(host) !== 0)
    throw new Error(
      'names an address: a certificate is verified for a name; use that, or ssl-mode=VERIFY_CA with AUDIT_DATABASE_CA_PATH',
    );
  return mode as MySqlTlsMode;
};

const isOwnMachine = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
