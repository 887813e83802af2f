import postgres from 'postgres';

export interface RawConnection {
  /** Without values it may be several statements. */
  run(sql: string, values?: readonly (string | number)[]): Promise<RawResult>;
  close(): Promise<void>;
}

export interface RawResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** How many rows were changed. */
  readonly count: number;
}

/** What a test does to a schema behind the store's back. */
export const rawConnection = (url: string, schema: string): RawConnection => {
  const client = postgres(url, {
    max: 1,
    connection: { search_path: schema },
    onnotice: () => undefined,
    types: { int8: { to: 20, from: [20], serialize: String, parse: Number } },
  });
  return {
    run: async (sql, values = []) => {
      const result = await client.unsafe(sql, [...values]);
      return { rows: [...result], count: result.count };
    },
    close: () => client.end({ timeout: 1 }),
  };
};
