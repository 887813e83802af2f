import type { ImportOutcome, Maintenance } from '@sallyport/auth/maintenance';
import type { AccountRow, RowReading } from './account-rows.ts';
import { hashReasons } from './hash-reasons.ts';

export interface Imported {
  readonly imported: number;
  /** Accounts that were there: of an earlier run of the same import, or somebody's own. They are left as they are. */
  readonly existing: number;
  readonly refused: number;
  /** Whether it was told to stop before the end. */
  readonly interrupted: boolean;
}

export interface ImportRequest {
  readonly rows: AsyncIterable<RowReading> | Iterable<RowReading>;
  /** Told after each batch how many rows were read. */
  readonly onProgress: (rows: number) => void;
  readonly onRefused: (place: number, why: string) => void;
  /** Ends between two batches. */
  readonly signal: AbortSignal;
}

/** Verbs in flight: the store makes its transactions of them. */
const batchSize = 256;

/**
 * Imports account by account; each is whole or not there. So a run that was cut off is taken up by running it again: what is there is
 * counted, and left as it is.
 */
export const importUsers = async (
  store: Pick<Maintenance, 'importUser'>,
  { rows, onProgress, onRefused, signal }: ImportRequest,
): Promise<Imported> => {
  const counts = { imported: 0, existing: 0, refused: 0 };
  let read = 0;
  const refuse = (place: number, why: string): void => {
    counts.refused += 1;
    onRefused(place, why);
  };
  const one = async (row: RowReading): Promise<void> => {
    if ('refused' in row) return refuse(row.place, row.refused);
    const { place, ...account } = row;
    const outcome = await store.importUser(account);
    if (outcome.kind === 'imported') counts.imported += 1;
    else if (outcome.kind === 'taken') counts.existing += 1;
    else refuse(place, reasonOf(outcome, row));
  };
  const flush = async (batch: readonly RowReading[]): Promise<void> => {
    await Promise.all(batch.map(one));
    read += batch.length;
    onProgress(read);
  };

  let batch: RowReading[] = [];
  for await (const row of rows) {
    batch.push(row);
    if (batch.length < batchSize) continue;
    await flush(batch);
    batch = [];
    if (signal.aborted) return { ...counts, interrupted: true };
  }
  await flush(batch);
  return { ...counts, interrupted: false };
};

const reasonOf = (
  outcome: Exclude<ImportOutcome, { kind: 'imported' | 'taken' }>,
  { identifier }: AccountRow,
): string =>
  outcome.kind === 'hash_refused'
    ? `the password hash is refused (password_hash_refused): ${hashReasons[outcome.reason]}`
    : `${identifier} is no e-mail or user name that could log in`;
