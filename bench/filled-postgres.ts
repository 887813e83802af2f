/** The same in a schema of PostgreSQL. */

import { rawConnection } from '@sallyport/storage/postgres/testing/raw';
import { issuerFolder } from '@sallyport/tests/prove/issuer-process';
import { type FilledStore, type FillSize, signUpPeople } from './filled-store.ts';

type Connection = ReturnType<typeof rawConnection>;

/** @param url of the server; the schema is made by the issuer that people sign up at */
export const fillPostgres = async (
  url: string,
  schema: string,
  settings: Readonly<Record<string, string>>,
  { people, rows }: FillSize,
): Promise<FilledStore> => {
  const folder = issuerFolder({ ...settings, DATABASE_URL: url, DATABASE_SCHEMA: schema });
  const sessions = await signUpPeople(folder, people);
  const connection = rawConnection(url, schema);
  for (const [table, overridden] of Object.entries(copied)) {
    if (rows > people) await copyRows(connection, { schema, table, overridden, count: rows - people });
  }
  await connection.run('ANALYZE');
  const size = await connection.run(
    `SELECT sum(pg_total_relation_size(oid))::bigint AS bytes FROM pg_class WHERE relnamespace = '${schema}'::regnamespace AND relkind = 'r'`,
  );
  await connection.close();
  return { folder, bytes: Number(size.rows[0]?.['bytes']), sessions };
};

interface Copy {
  readonly schema: string;
  readonly table: string;
  readonly overridden: Readonly<Record<string, string>>;
  readonly count: number;
}

const copyRows = async (connection: Connection, { schema, table, overridden, count }: Copy): Promise<void> => {
  const found = await connection.run(
    `SELECT column_name AS name FROM information_schema.columns
      WHERE table_schema = '${schema}' AND table_name = '${table}' AND is_generated = 'NEVER' ORDER BY ordinal_position`,
  );
  const columns = found.rows.map(({ name }) => String(name));
  const values = columns.map((column) => overridden[column] ?? `model.${column}`).join(', ');
  await connection.run(`CREATE TEMP TABLE model AS SELECT row_number() OVER () - 1 AS place, * FROM ${table}`);
  await connection.run(
    `INSERT INTO ${table} (${columns.join(', ')}) SELECT ${values} FROM generate_series(1, ${count}) AS n
      JOIN model ON model.place = n % (SELECT count(*) FROM model)`,
  );
  await connection.run('DROP TABLE model');
};

/** Leading bytes of a real one, so that copies and real rows lie among each other in the index. */
const newId =
  "encode(substring(uuid_send(model.id) FROM 1 FOR 6) || substring(uuid_send(gen_random_uuid()) FROM 7 FOR 10), 'hex')::uuid";

const copied: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  users: { id: newId, email: "'copy-' || n || '@example.org'", email_key: "'copy-' || n || '@example.org'" },
  sessions: { id: newId, user_id: 'gen_random_uuid()' },
};
