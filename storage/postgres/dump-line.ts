import type { PostgresTarget } from './target.ts';

export interface DumpLineOptions {
  readonly target: PostgresTarget;
  readonly schema: string;
  readonly caPath: string | undefined;
  readonly to: string;
}

/** The line for a shell that dumps a store. It holds no password: `PGPASSWORD` or `~/.pgpass` gives it. */
export const dumpLine = ({ target, schema, caPath, to }: DumpLineOptions): string => {
  const { hosts, user, database, tls } = target;
  const fields = {
    host: hosts.map(({ host }) => host).join(','),
    port: hosts.map(({ port }) => port).join(','),
    user,
    dbname: database,
    sslmode: tls,
    ...(caPath !== undefined && tls.startsWith('verify') && { sslrootcert: caPath }),
  };
  const place = Object.entries(fields)
    .map(([name, value]) => `${name}=${quotedValue(value)}`)
    .join(' ');
  return `pg_dump --format=custom --schema=${schema} --file=${forShell(to)} ${forShell(place)}`;
};

/** PostgreSQL, libpq §34.1.1.1. */
const quotedValue = (value: string): string =>
  /^[\w.,:/@%+-]+$/.test(value) ? value : `'${value.replace(/[\\']/g, '\\$&')}'`;

const forShell = (word: string): string =>
  /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
