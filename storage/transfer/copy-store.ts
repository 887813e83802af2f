/**
 * Copies one store into another, table by table, in batches. Where it stands is kept in the target in the same step as the rows, so that
 * whoever runs it again goes on. No server starts on the target before the end, and none may have worked on the source since the beginning.
 */
import { createHash } from 'node:crypto';
import type { Random } from '@sallyport/kit/random';
import {
  type SessionTransfer,
  type TransferKey,
  type TransferRow,
  type TransferSource,
  type TransferTable,
  type TransferTarget,
  transferTables,
} from '../contracts/transfer.ts';

export { openSealedSamples } from './check-sealed.ts';

/** Rows of one step: some hundred kilobytes, and what a step that is cut off has to do again. */
const rowsPerBatch = 1000;

export interface CopyProgress {
  readonly table: TransferTable;
  /** Rows of this table in the target, those of an earlier run included. */
  readonly copied: number;
  readonly total: number;
}

export interface CopyReport {
  /** A run before this one had begun it. */
  readonly resumed: boolean;
  /** Rows of each table, counted in both stores at the end. */
  readonly tables: Readonly<Record<TransferTable, number>>;
}

/** It cannot begin, go on, or be relied on; the message may be shown. */
export class CopyRefused extends Error {
  override readonly name = 'CopyRefused';
}

export interface CopyOptions {
  readonly source: TransferSource;
  readonly target: TransferTarget;
  /** Where sessions go instead. */
  readonly sessions?: SessionTransfer;
  readonly random: Pick<Random, 'bytes'>;
  onProgress(progress: CopyProgress): void;
}

interface TableMark {
  readonly after?: TransferKey;
  readonly rows: number;
  /** Of the rows, where the table is one of `checked`. */
  readonly sum: string;
  readonly done: boolean;
}

interface Mark {
  readonly version: 1;
  readonly copyId: string;
  readonly sessionsApart: boolean;
  readonly tables: Readonly<Partial<Record<TransferTable, TableMark>>>;
}

/** Tables whose every value is read back at the end: what logs people in, and out. */
const checked: readonly TransferTable[] = ['users', 'devices', 'signing_keys', 'sessions'];

/** @throws CopyRefused */
export const copyStore = async (options: CopyOptions): Promise<CopyReport> => {
  const { source, target, random } = options;
  await refuseHalf(source);
  const found = await target.readMark();
  let mark = found === undefined ? await begin(options) : await goOn(source, found);
  if (mark.sessionsApart !== (options.sessions !== undefined))
    throw new CopyRefused('the copy into the target was begun with another place for sessions: run it as it was begun');
  await options.sessions?.begin();
  for (const table of transferTables) mark = await copyTable(options, table, mark);
  const tables = await check(options, mark);
  const heads = await source.readHeads();
  const incarnation = random.bytes(12).toString('base64url');
  // Sessions first: where this is cut off in between, whoever runs it again finds a mark.
  await options.sessions?.finish();
  if (!(await target.finishImport({ mark: JSON.stringify(mark), incarnation, heads }))) throw otherCopy();
  return { resumed: found !== undefined, tables };
};

const refuseHalf = async (source: TransferSource): Promise<void> => {
  if ((await source.readMark()) !== undefined)
    throw new CopyRefused('the source is itself the target of a copy that has not come to its end');
};

const otherCopy = (): CopyRefused => new CopyRefused('another copy is writing into the target');

/** What a new store has by itself. */
const seeded: readonly TransferTable[] = ['realms', 'companions'];

const begin = async ({ source, target, random, sessions }: CopyOptions): Promise<Mark> => {
  if (sessions !== undefined) await refuseOldSessions(source);
  for (const table of transferTables) {
    if (seeded.includes(table) || (await target.countRows(table)) === 0) continue;
    throw new CopyRefused(`the target holds ${table.replace('_', ' ')} already: give one that no server has worked on`);
  }
  const copyId = random.bytes(12).toString('base64url');
  const mark: Mark = { version: 1, copyId, sessionsApart: sessions !== undefined, tables: {} };
  // The target first: without its mark a note means nothing.
  await target.beginImport(JSON.stringify(mark));
  await source.noteCopy(copyId);
  return mark;
};

/** Rows of the time before another store took the sessions: a token that was used up there would be good again. */
const refuseOldSessions = async (source: TransferSource): Promise<void> => {
  if ((await source.countRows('companions')) === 0) return;
  throw new CopyRefused(
    'sessions of this store stand in a Redis already: what it has of them itself is too old to be moved',
  );
};

const goOn = async (source: TransferSource, text: string): Promise<Mark> => {
  const mark = JSON.parse(text) as Mark;
  if (mark.version !== 1) throw new CopyRefused('the copy into the target was begun by another version of Sallyport');
  const note = await source.readCopyNote();
  if (note === mark.copyId) return mark;
  // Cut off between the two notes of its beginning.
  if (Object.keys(mark.tables).length === 0) {
    await source.noteCopy(mark.copyId);
    return mark;
  }
  throw new CopyRefused(
    'the copy into the target cannot go on: it was begun from another store, or a server has worked on the source since. Empty the target and begin anew',
  );
};

const copyTable = async (
  { source, target, sessions, onProgress }: CopyOptions,
  table: TransferTable,
  begun: Mark,
): Promise<Mark> => {
  let mark = begun;
  let state: TableMark = mark.tables[table] ?? { rows: 0, sum: '0', done: false };
  if (state.done) return mark;
  const total = await source.countRows(table);
  onProgress({ table, copied: state.rows, total });
  while (!state.done) {
    const { rows, last } = await source.exportRows({ table, after: state.after, limit: rowsPerBatch });
    const sum = checked.includes(table) ? addRows(state.sum, rows) : state.sum;
    const after = last ?? state.after;
    state = { ...(after && { after }), rows: state.rows + rows.length, sum, done: rows.length < rowsPerBatch };
    const next: Mark = { ...mark, tables: { ...mark.tables, [table]: state } };
    const apart = table === 'sessions' ? sessions : undefined;
    await apart?.importSessions(rows);
    const step = {
      table,
      rows: apart === undefined ? rows : [],
      mark: JSON.stringify(mark),
      nextMark: JSON.stringify(next),
    };
    if (!(await target.importRows(step))) throw otherCopy();
    mark = next;
    onProgress({ table, copied: state.rows, total });
  }
  return mark;
};

/** A sum of digests: in whatever order the rows come, it is the same. */
const addRows = (sum: string, rows: readonly TransferRow[]): string => {
  let total = BigInt(`0x${sum}`);
  for (const row of rows) {
    const sorted = Object.keys(row)
      .sort()
      .map((name) => [name, row[name]]);
    total += createHash('sha256').update(JSON.stringify(sorted)).digest().readBigUInt64BE();
  }
  return BigInt.asUintN(64, total).toString(16);
};

const check = async (
  { source, target, sessions }: CopyOptions,
  mark: Mark,
): Promise<Readonly<Record<TransferTable, number>>> => {
  const counts: Partial<Record<TransferTable, number>> = {};
  for (const table of transferTables) {
    const there = await source.countRows(table);
    const isApart = table === 'sessions' && sessions !== undefined;
    const here = isApart ? await countHeld(source, sessions) : await target.countRows(table);
    if (there !== here || here !== mark.tables[table]?.rows)
      throw new CopyRefused(
        `${table}: ${there} rows in the source, ${here} in the target. Empty the target and begin anew`,
      );
    counts[table] = here;
  }
  for (const table of checked) {
    if (table === 'sessions' && sessions !== undefined) continue;
    if ((await sumOf(target, table)) !== mark.tables[table]?.sum)
      throw new CopyRefused(
        `${table}: the rows in the target are others than in the source. Empty the target and begin anew`,
      );
  }
  return counts as Record<TransferTable, number>;
};

const sumOf = async (store: TransferSource, table: TransferTable): Promise<string> => {
  let sum = '0';
  let after: TransferKey | undefined;
  for (;;) {
    const { rows, last } = await store.exportRows({ table, after, limit: rowsPerBatch });
    sum = addRows(sum, rows);
    if (last === undefined || rows.length < rowsPerBatch) return sum;
    after = last;
  }
};

const countHeld = async (source: TransferSource, sessions: SessionTransfer): Promise<number> => {
  let held = 0;
  let after: TransferKey | undefined;
  for (;;) {
    const { rows, last } = await source.exportRows({ table: 'sessions', after, limit: rowsPerBatch });
    held += await sessions.countHeld(rows);
    if (last === undefined || rows.length < rowsPerBatch) return held;
    after = last;
  }
};

/** Moves the sessions of a store elsewhere, while everything else stays where it is. */
export const moveSessions = async ({
  source,
  sessions,
  onProgress,
}: Pick<CopyOptions, 'source' | 'onProgress'> & { readonly sessions: SessionTransfer }): Promise<number> => {
  await refuseHalf(source);
  await refuseOldSessions(source);
  await sessions.begin();
  const total = await source.countRows('sessions');
  let copied = 0;
  let after: TransferKey | undefined;
  onProgress({ table: 'sessions', copied, total });
  for (let isMore = true; isMore; ) {
    const { rows, last } = await source.exportRows({ table: 'sessions', after, limit: rowsPerBatch });
    await sessions.importSessions(rows);
    copied += rows.length;
    after = last;
    isMore = rows.length === rowsPerBatch;
    onProgress({ table: 'sessions', copied, total });
  }
  const held = await countHeld(source, sessions);
  if (held !== total)
    throw new CopyRefused(`sessions: ${total} rows in the source, ${held} in Redis. Empty Redis and begin anew`);
  await sessions.finish();
  return total;
};
