/**
 * Carrying a store out of a schema, or into one. One connection, straight to PostgreSQL, holds the lock that every server on the schema
 * shares: while a server works none is copied, and while one is copied no server starts.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '@sallyport/kit/random';
import type { Transfer, TransferKey, TransferRow } from '../contracts/transfer.ts';
import { type ColumnKind, incompleteKey, sourceKey, type TableShape, tableShapes } from '../transfer/tables.ts';
import { type Connection, openConnection, readable, type SqlRow, type SqlValue } from './connection.ts';
import { workLock } from './listen.ts';
import { migrate, presentVersion, SchemaRefused } from './migrate.ts';
import type { PostgresTarget } from './target.ts';

export interface PostgresTransferOptions {
  readonly target: PostgresTarget;
  readonly ca?: string;
  readonly schema: string;
  readonly random: Pick<Random, 'bytes'>;
  /** Whether a schema that is not there is made. */
  readonly create: boolean;
}

/** A batch is written in well under a second; a table is counted in some. */
const answerLimitMs = 120_000;
/** PostgreSQL sees a moment later that a server which has just stopped is gone. */
const lockLimitMs = 2000;
const lockPauseMs = 50;

/** @throws Error with a readable reason and neither address nor password */
export const openPostgresTransfer = async (options: PostgresTransferOptions): Promise<Transfer> => {
  const connection = await openConnection({
    target: options.target,
    ...(options.ca !== undefined && { ca: options.ca }),
    applicationName: 'sallyport copy',
    statementLimitMs: 0,
  }).catch((error: unknown) => {
    throw new Error(readable(error));
  });
  try {
    await takeAlone(connection, options);
  } catch (error) {
    connection.giveUp();
    throw error instanceof SchemaRefused ? error : new Error(readable(error));
  }
  return transfer(connection, `"${options.schema}"`);
};

const takeAlone = async (
  connection: Connection,
  { schema: name, create, random }: PostgresTransferOptions,
): Promise<void> => {
  const schema = `"${name}"`;
  const { version } = await presentVersion({ connection, name, schema });
  if (!create && version === 0) throw new SchemaRefused(`there is no schema ${name}`);
  if (!(await isLockTaken(connection, schema)))
    throw new SchemaRefused(`the schema ${name} is in use: stop every server that works on it`);
  await migrate({ connection, name, schema, random });
};

const isLockTaken = async (connection: Connection, schema: string): Promise<boolean> => {
  const until = performance.now() + lockLimitMs;
  for (;;) {
    const [row] = await connection.run(`SELECT pg_try_advisory_lock(${workLock(schema)}) AS held`, [], answerLimitMs);
    if (row?.['held'] === true) return true;
    if (performance.now() > until) return false;
    await sleep(lockPauseMs);
  }
};

const transfer = (connection: Connection, s: string): Transfer => {
  const run = async (sql: string, ...values: SqlValue[]): Promise<readonly SqlRow[]> => {
    try {
      return await connection.run(sql, values, answerLimitMs);
    } catch (error) {
      throw new Error(readable(error));
    }
  };
  const meta = async (key: string): Promise<string | undefined> => {
    const [row] = await run(`SELECT value FROM ${s}.store_meta WHERE key = $1`, key);
    return row && String(row['value']);
  };
  const remember = `INSERT INTO ${s}.store_meta (key, value) VALUES ($1, $2)`;
  return {
    exportRows: async ({ table, after, limit }) => {
      const shape = tableShapes[table];
      const found = await run(pageOf(s, shape, after), ...(after ?? []), limit);
      return { rows: found.map((row) => rowFrom(row, shape)), last: keyFrom(found.at(-1), shape) };
    },
    countRows: async (table) => {
      const { name, only = 'true' } = tableShapes[table];
      const [row] = await run(`SELECT count(*) AS count FROM ${s}.${name} WHERE ${only}`);
      return Number(row?.['count']);
    },
    readHeads: async () => {
      const [row] = await run(
        `SELECT r.position AS revocations, o.position AS outbox FROM ${s}.revocation_head r, ${s}.outbox_head o`,
      );
      return { revocations: Number(row?.['revocations']), outbox: Number(row?.['outbox']) };
    },
    noteCopy: async (copyId) => {
      await run(`${remember} ON CONFLICT (key) DO UPDATE SET value = excluded.value`, sourceKey, copyId);
    },
    readCopyNote: () => meta(sourceKey),
    readMark: () => meta(incompleteKey),
    beginImport: async (mark) => {
      await run(remember, incompleteKey, mark);
    },
    importRows: async ({ table, rows, mark, nextMark }) => {
      const [row] = await run(importInto(s, tableShapes[table]), mark, nextMark, rows);
      return row?.['moved'] === 1;
    },
    finishImport: async ({ mark, incarnation, heads }) => {
      const sql = `WITH
          ended AS (DELETE FROM ${s}.store_meta WHERE key = '${incompleteKey}' AND value = $1 RETURNING 1),
          named AS (UPDATE ${s}.store_meta SET value = $2 WHERE key = 'incarnation' AND EXISTS (SELECT 1 FROM ended)),
          revoked AS (UPDATE ${s}.revocation_head SET position = greatest(position, $3::bigint)
            WHERE EXISTS (SELECT 1 FROM ended)),
          left_by AS (UPDATE ${s}.outbox_head SET position = greatest(position, $4::bigint)
            WHERE EXISTS (SELECT 1 FROM ended))
        SELECT count(*) AS ended FROM ended`;
      const [row] = await run(sql, mark, incarnation, heads.revocations, heads.outbox);
      return row?.['ended'] === 1;
    },
    close: async () => {
      // Whoever starts a server next need not wait until PostgreSQL has seen that the connection is gone.
      if (connection.alive) await run('SELECT pg_advisory_unlock_all()').catch(() => undefined);
      connection.end();
    },
  };
};

interface SqlKind {
  /** Of a column, as it travels. */
  readonly read: (column: string) => string;
  /** As it stands in the JSON of a batch. */
  readonly type: string;
  readonly write: (column: string) => string;
}

const plain = (type: string): SqlKind => ({ type, read: (column) => column, write: (column) => column });
const asText = (read: SqlKind['read'], write: SqlKind['write']): SqlKind => ({ type: 'text', read, write });

const kinds: Readonly<Record<ColumnKind, SqlKind>> = {
  text: plain('text'),
  integer: plain('bigint'),
  boolean: plain('boolean'),
  uuid: plain('uuid'),
  bytes: asText(
    (column) => `encode(${column}, 'hex')`,
    (column) => `decode(${column}, 'hex')`,
  ),
  list: asText(
    (column) => `${column}::text`,
    (column) => `${column}::jsonb`,
  ),
  json: asText(
    (column) => `${column}::text`,
    (column) => `${column}::json`,
  ),
  numbers: asText(
    (column) => `array_to_json(${column})::text`,
    (column) =>
      `ARRAY(SELECT e.number::bigint FROM json_array_elements_text(${column}::json) WITH ORDINALITY AS e(number, place)
        ORDER BY e.place)`,
  ),
};

/** Effects are ordered by transaction (ADR 0020), which has no name elsewhere. */
const keyOf = ({ name, key, columns }: TableShape): readonly { readonly column: string; readonly type: string }[] =>
  name === 'effects'
    ? [
        { column: 'xid', type: 'xid8' },
        { column: 'seq', type: 'bigint' },
      ]
    : key.map((column) => ({ column, type: kinds[columns[column] ?? 'text'].type }));

const pageOf = (s: string, shape: TableShape, after: TransferKey | undefined): string => {
  const key = keyOf(shape);
  const keys = key.map(({ column }) => `t.${column}`).join(', ');
  const first = key.map(({ type }, at) => `$${at + 1}::${type === 'xid8' ? 'text::xid8' : type}`).join(', ');
  const behind = after === undefined ? '' : ` AND (${keys}) > (${first})`;
  const read = Object.entries(shape.columns).map(([name, kind]) => `${kinds[kind].read(`t.${name}`)} AS ${name}`);
  const places = key.map(({ column }, at) => `t.${column}::text AS key_${at}`);
  const limit = `$${after === undefined ? 1 : key.length + 1}`;
  return `SELECT ${[...read, ...places].join(', ')} FROM ${s}.${shape.name} t
    WHERE ${shape.only ?? 'true'}${behind} ORDER BY ${keys} LIMIT ${limit}`;
};

/** One statement, so one transaction: the mark moves with the rows, or neither does. */
const importInto = (s: string, shape: TableShape): string => {
  const columns = Object.entries(shape.columns);
  const names = columns.map(([name]) => name).join(', ');
  const typed = columns.map(([name, kind]) => `${name} ${kinds[kind].type}`).join(', ');
  const values = columns.map(([name, kind]) => kinds[kind].write(`r.${name}`)).join(', ');
  const changes = columns.map(([name]) => `${name} = excluded.${name}`).join(', ');
  const replacing = shape.replaces === true ? `ON CONFLICT (${shape.key.join(', ')}) DO UPDATE SET ${changes}` : '';
  return `WITH
      moved AS (UPDATE ${s}.store_meta SET value = $2 WHERE key = '${incompleteKey}' AND value = $1 RETURNING 1),
      put AS (
        INSERT INTO ${s}.${shape.name} (${names})
        SELECT ${values} FROM ROWS FROM (json_to_recordset($3::json) AS (${typed})) WITH ORDINALITY AS r(${names}, nth_row)
        WHERE EXISTS (SELECT 1 FROM moved) ORDER BY r.nth_row ${replacing})
    SELECT count(*) AS moved FROM moved`;
};

const keyFrom = (row: SqlRow | undefined, shape: TableShape): TransferKey | undefined =>
  row && keyOf(shape).map((_, at) => String(row[`key_${at}`]));

/** Lists are spelt with spaces by jsonb. */
const rowFrom = (row: SqlRow, { columns }: TableShape): TransferRow =>
  Object.fromEntries(
    Object.entries(columns).map(([name, kind]) => {
      const value = (row[name] ?? null) as TransferRow[string] | undefined;
      const isList = kind === 'list' || kind === 'numbers';
      return [name, isList && value !== null ? JSON.stringify(JSON.parse(String(value))) : (value ?? null)];
    }),
  );
