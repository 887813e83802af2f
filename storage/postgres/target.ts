/** Where a PostgreSQL is, and how it is spoken to: a URL, or libpq's `key=value` form. No message names a value of it: one may be a secret. */
import { isIP } from 'node:net';

export interface PostgresTarget {
  /** Tried in this order; whoever is in recovery, or read-only, is passed over. */
  readonly hosts: readonly PostgresHost[];
  readonly database: string;
  readonly user: string;
  readonly password?: string;
  readonly tls: TlsMode;
}

export interface PostgresHost {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
}

/** As libpq names them. `prefer` and `allow` are not served: whoever stands between decides with them. */
export type TlsMode = 'disable' | 'require' | 'verify-ca' | 'verify-full';

const tlsModes: readonly string[] = ['disable', 'require', 'verify-ca', 'verify-full'] satisfies readonly TlsMode[];
/** Written for other clients, and of no consequence here: times are integers, and time limits are this driver's own. */
const ignored = ['TimeZone', 'timezone', 'application_name', 'connect_timeout'];
const defaultPort = 5432;

export const isPostgresUrl = (text: string): boolean => /^postgres(ql)?:\/\//.test(text);

/** What stands in it, under libpq's names. */
type Fields = Map<string, string>;

/**
 * @param text `postgres://user:password@host:5432/database?sslmode=verify-full`, or `host=… user=… dbname=…`
 * @param password given apart from it; one in `text` has to be the same
 * @throws Error that says what is wrong, and no value
 */
export const parseTarget = (text: string, password?: string): PostgresTarget => {
  const fields = isPostgresUrl(text) ? fieldsOfUrl(text) : fieldsOfPairs(text);
  const take = (name: string): string | undefined => {
    const value = fields.get(name);
    fields.delete(name);
    return value === '' ? undefined : value;
  };
  const hosts = hostsOf(take('host') ?? 'localhost', take('port') ?? String(defaultPort));
  const user = take('user');
  if (user === undefined) throw new Error('names no user');
  const own = take('password');
  if (own !== undefined && password !== undefined && own !== password)
    throw new Error('holds another password than DB_PASSWORD: remove one');
  const secret = own ?? password;
  const attributes = take('target_session_attrs') ?? 'read-write';
  if (!['any', 'read-write', 'primary'].includes(attributes))
    throw new Error('wants a replica (target_session_attrs): decisions are taken on the primary alone');
  const tls = tlsOf(take('sslmode'), hosts);
  const database = take('dbname') ?? user;
  for (const name of ignored) fields.delete(name);
  const [unknown] = fields.keys();
  if (unknown !== undefined) throw new Error(`holds ${printable(unknown)}, which is not known here`);
  return { hosts, database, user, ...(secret !== undefined && { password: secret }), tls };
};

/** What libpq and other clients know: another name may be the rest of a password that was not quoted. */
const knownElsewhere: ReadonlySet<string> = new Set([
  ...[
    'channel_binding',
    'client_encoding',
    'fallback_application_name',
    'gssencmode',
    'gsslib',
    'hostaddr',
    'keepalives',
  ],
  ...['keepalives_count', 'keepalives_idle', 'keepalives_interval', 'krbsrvname', 'load_balance_hosts', 'options'],
  ...['passfile', 'pgbouncer', 'pool_max_conns', 'replication', 'require_auth', 'requirepeer', 'schema', 'search_path'],
  ...[
    'service',
    'ssl',
    'ssl_max_protocol_version',
    'ssl_min_protocol_version',
    'sslcert',
    'sslcertmode',
    'sslcompression',
  ],
  ...['sslcrl', 'sslcrldir', 'sslkey', 'sslnegotiation', 'sslpassword', 'sslrootcert', 'sslsni', 'statement_timeout'],
  ...['tcp_user_timeout'],
]);

const printable = (name: string): string => (knownElsewhere.has(name) ? name : 'something');

/** Several hosts stand with commas between them, which `URL` does not read. */
const urlForm =
  /^postgres(?:ql)?:\/\/(?:(?<login>[^@/?#]*)@)?(?<hosts>[^/?#]*)(?:\/(?<database>[^?#]*))?(?:\?(?<query>[^#]*))?$/;

const fieldsOfUrl = (text: string): Fields => {
  const { login = '', hosts = '', database = '', query = '' } = urlForm.exec(text)?.groups ?? {};
  if (!urlForm.test(text)) throw new Error('is not a URL of the form postgres://user:password@host:5432/database');
  const fields: Fields = new Map();
  const set = (name: string, value: string): void => {
    if (value !== '') fields.set(name, decoded(value));
  };
  const colon = login.indexOf(':');
  set('user', colon < 0 ? login : login.slice(0, colon));
  set('password', colon < 0 ? '' : login.slice(colon + 1));
  const parts = hosts.split(',').map((part) => /^(?<host>\[[^\]]*\]|[^:]*)(?::(?<port>\d*))?$/.exec(part)?.groups);
  if (parts.includes(undefined)) throw new Error('names a host that cannot be read');
  if (hosts !== '') {
    set('host', parts.map((part) => part?.['host']?.replace(/^\[|\]$/g, '') ?? '').join(','));
    set('port', parts.map((part) => part?.['port'] || String(defaultPort)).join(','));
  }
  set('dbname', database);
  for (const [name, value] of new URLSearchParams(query)) fields.set(name, value);
  return fields;
};

const decoded = (value: string): string => {
  try {
    return decodeURIComponent(value);
  } catch {
    throw new Error('holds a percent sign that encodes nothing: write it as %25');
  }
};

/** PostgreSQL, libpq §34.1.1.1: a value with spaces stands in single quotes; a backslash escapes quote and backslash. */
const pair = /\s*(?<name>\w+)\s*=\s*(?:'(?<quoted>(?:[^'\\]|\\.)*)'|(?<plain>(?:[^\s'\\]|\\.)*))(?=\s|$)/y;

const fieldsOfPairs = (text: string): Fields => {
  const fields: Fields = new Map();
  const trimmed = text.trimEnd();
  pair.lastIndex = 0;
  while (pair.lastIndex < trimmed.length) {
    const found = pair.exec(trimmed)?.groups;
    const name = found?.['name'];
    if (name === undefined) throw new Error('is neither a postgres:// URL nor of the form host=… user=… dbname=…');
    fields.set(name, (found?.['quoted'] ?? found?.['plain'] ?? '').replace(/\\(.)/g, '$1'));
  }
  return fields;
};

/** Names, addresses with or without a zone, and folders, which may have any name. */
const hostForm = /^(?:\/.*|[\w.:%-]*)$/;

const hostsOf = (hosts: string, ports: string): readonly PostgresHost[] => {
  const names = hosts.split(',');
  const numbers = ports.split(',').map(Number);
  if (numbers.length > 1 && numbers.length !== names.length) throw new Error('names more ports than hosts, or fewer');
  return names.map((host, index) => {
    const port = numbers[index] ?? numbers[0] ?? defaultPort;
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error('names a port that is none');
    // A password with an unescaped `@` leaves its rest here: it must not be looked up as a name.
    if (!hostForm.test(host)) throw new Error('names a host that cannot be read: write @ in a password as %40');
    return { host: host === '' ? 'localhost' : host, port };
  });
};

/** Whoever states nothing gets the certificate and its name verified, except on the way to this machine itself. */
const tlsOf = (mode: string | undefined, hosts: readonly PostgresHost[]): TlsMode => {
  if (mode === undefined) return hosts.every(({ host }) => isOwnMachine(host)) ? 'disable' : 'verify-full';
  if (!tlsModes.includes(mode)) throw new Error(`has an sslmode that is not served: use ${tlsModes.join(', ')}`);
  return mode as TlsMode;
};

const isOwnMachine = (host: string): boolean =>
  host === 'localhost' || host.startsWith('/') || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
