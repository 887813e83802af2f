import { createConnection } from 'mysql2/promise';

export type MySqlRow = Readonly<Record<string, unknown>>;

/** One statement in a MySQL, on a connection of its own; returns its rows, or how many it has changed. */
export const inMySql = async (
  url: string,
  sql: string,
): Promise<readonly MySqlRow[] & { readonly changed?: number }> => {
  const connection = await createConnection({ uri: url, dateStrings: true, timezone: 'Z' });
  try {
    const [result] = await connection.query(sql);
    return Array.isArray(result)
      ? (result as readonly MySqlRow[])
      : Object.assign([], { changed: Number((result as { affectedRows: number }).affectedRows) });
  } finally {
    await connection.end();
  }
};
