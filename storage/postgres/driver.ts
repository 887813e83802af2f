import type { Sealer } from '@sallyport/kit/seal';
import type { ActContext } from '../contracts/store.ts';
import type { SqlRow, SqlValue } from './connection.ts';

/** What the verbs work with: each is one statement, and so one transaction and one round trip. */
export interface Driver {
  /** Quoted; every name in a statement is qualified with it. */
  readonly schema: string;
  readonly sealer: Sealer;
  /** How long a revocation entry lives. */
  readonly lifetimeMs: number;
  read(sql: string, ...values: SqlValue[]): Promise<readonly SqlRow[]>;
  write(sql: string, ...values: SqlValue[]): Promise<readonly SqlRow[]>;
  /** A write that may be a revocation: whoever waits for one is woken. */
  revoke(sql: string, ...values: SqlValue[]): Promise<readonly SqlRow[]>;
  /** The same on a connection of its own, without the limits of a verb: for what touches every row, once, while no server is at work. */
  revokeAtLeisure(sql: string, ...values: SqlValue[]): Promise<readonly SqlRow[]>;
}

/** `$from` and the three after it, as the functions take them. */
export const byOf = (schema: string, from: number): string =>
  `ROW($${from}, $${from + 1}, $${from + 2}, $${from + 3})::${schema}.act_context`;

export const byValues = ({ actor, requestId, address, userAgent }: ActContext): SqlValue[] => [
  actor,
  requestId,
  address ?? null,
  userAgent ?? null,
];

/** `$1, $2, …` */
export const places = (count: number): string =>
  Array.from({ length: count }, (_, index) => `$${index + 1}`).join(', ');
