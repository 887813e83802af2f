import { StoreUnavailable } from '../contracts/store.ts';

/** Gave no answer in time; what it was sent may have been done. */
export class LateAnswer extends Error {
  override readonly name = 'LateAnswer';
}

/** SQLSTATE of what the server itself has answered; undefined: the connection failed. */
export const sqlState = (error: unknown): string | undefined => {
  if (!(error instanceof Error) || error.name !== 'PostgresError') return undefined;
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : undefined;
};

/** serialization_failure, deadlock_detected: nothing has happened, and the same again may well succeed. */
export const isWorthRepeating = (error: unknown): boolean => ['40001', '40P01'].includes(sqlState(error) ?? '');

/** Class 08 and 57P: this connection is at its end. 25006: its server is a primary no longer. */
const ends = /^(08|57P|25006|53300|XX001|XX002)/;

export const endsConnection = (error: unknown): boolean => {
  const state = sqlState(error);
  return state === undefined || ends.test(state);
};

/** Where the connection ended under a write, nobody knows whether it was committed; an answer of the server says that it was not. */
export const isOutcomeUnknown = (error: unknown): boolean => {
  const state = sqlState(error);
  return state === undefined || /^(08|57P|40003)/.test(state);
};

/** Class 22 and 23 quote values of rows, which belong to people. */
const quotesValues = /^2[23]/;

/** What may be told: the driver's errors carry statement and parameters, an address, or a row. */
export const described = (error: unknown): Error => {
  const state = sqlState(error);
  if (state !== undefined) {
    const told = quotesValues.test(state) ? '' : ` ${(error as Error).message}`;
    return new Error(`PostgreSQL answered ${state}${told}`);
  }
  if (error instanceof LateAnswer || error instanceof RefusedServer) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  return new Error(`no connection to PostgreSQL (${code})`);
};

/** The server answers, and may not be used: a replica, too old, with a clock that was moved. */
export class RefusedServer extends Error {
  override readonly name = 'RefusedServer';
}

export const unavailable = (error: unknown, isWrite: boolean): StoreUnavailable =>
  error instanceof StoreUnavailable
    ? error
    : new StoreUnavailable(described(error), isWrite && isOutcomeUnknown(error));
