/**
 * The writer thread: owns the one connection that writes. Its queue at wake-up is the batch: at most `maxBatch` verbs share one
 * transaction and one wait for the disk, each in a savepoint of its own. No verb is answered before COMMIT has returned.
 */
import type { DatabaseSync } from 'node:sqlite';
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { EpochMs } from '@sallyport/contract';
import type { SchemaState } from '../contracts/storage.ts';
import { halfCopied, incompleteKey, sourceKey } from '../transfer/tables.ts';
import { isBusy, openForWriting } from './database.ts';
import { migrate } from './migrate.ts';
import { createStatements, createTransaction, type Transaction } from './transaction.ts';
import { type VerbName, verbs } from './verbs/index.ts';

export interface WriterOptions {
  readonly file: string;
  /** One BigInt64 of shared memory: milliseconds that tests add to the store's clock. */
  readonly clockOffset: SharedArrayBuffer;
  /** How long a batch waits for another process's transaction. */
  readonly lockTimeoutMs: number;
}

export interface WriterCall {
  readonly id: number;
  readonly verb: VerbName;
  readonly input: unknown;
}

export type WriterResult =
  | { readonly id: number; readonly output: unknown }
  | { readonly id: number; readonly failure: string; readonly outcomeUnknown: boolean };

export type WriterMessage =
  | { readonly kind: 'opened'; readonly schema: SchemaState }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'results'; readonly results: readonly WriterResult[] }
  | { readonly kind: 'closed' };

export type WriterRequest =
  | { readonly kind: 'calls'; readonly calls: readonly WriterCall[] }
  | { readonly kind: 'close' };

const maxBatch = 64;
/** At start another process may be migrating, or recovering the log after a crash. */
const openTimeoutMs = 15_000;
const lockedWaitMs = 300;
const pause = new Int32Array(new SharedArrayBuffer(4));

const port = parentPort;
if (port !== null) start(port, workerData as WriterOptions);

function start(parent: MessagePort, options: WriterOptions): void {
  const send = (message: WriterMessage): void => parent.postMessage(message);
  try {
    // Switching a new file to WAL needs the file alone for a moment.
    const db = retryBusy(() => openForWriting(options.file), openTimeoutMs);
    // What waits behind a batch that found the file locked has waited as long as that: all answers are to come within two seconds.
    let waitMs = options.lockTimeoutMs;
    const begin = (): void => {
      const thisWaitMs = waitMs;
      waitMs = Math.min(options.lockTimeoutMs, lockedWaitMs);
      beginImmediate(db, thisWaitMs);
      waitMs = options.lockTimeoutMs;
    };
    const offset = new BigInt64Array(options.clockOffset);
    const nowMs = (): EpochMs => (Date.now() + Number(Atomics.load(offset, 0))) as EpochMs;
    const schema = retryBusy(() => migrate(db, begin, nowMs()), openTimeoutMs);
    const statements = createStatements(db);
    retryBusy(() => noteStart(db, statements), openTimeoutMs);
    parent.on('message', (first: WriterRequest) => wakeUp(parent, first, { db, statements, begin, nowMs, send }));
    send({ kind: 'opened', schema });
  } catch (error) {
    send({ kind: 'refused', message: error instanceof Error ? error.message : String(error) });
  }
}

/** A store that was not copied to its end knows too little; and of one that is copied from, whoever goes on copying would miss what comes now. */
function noteStart(db: DatabaseSync, statements: ReturnType<typeof createStatements>): void {
  const found = statements('SELECT key FROM store_meta WHERE key IN (?, ?)').all(incompleteKey, sourceKey);
  if (found.some(({ key }) => key === incompleteKey)) {
    db.close();
    throw new Error(halfCopied);
  }
  if (found.length > 0) statements('DELETE FROM store_meta WHERE key = ?').run(sourceKey);
}

interface Writer {
  readonly db: DatabaseSync;
  readonly statements: ReturnType<typeof createStatements>;
  readonly begin: () => void;
  readonly nowMs: () => EpochMs;
  readonly send: (message: WriterMessage) => void;
}

/** Takes everything that waits, so that the longer the disk takes the more verbs share the next wait. */
function wakeUp(parent: MessagePort, first: WriterRequest, writer: Writer): void {
  const calls: WriterCall[] = [];
  let closing = false;
  let request: WriterRequest | undefined = first;
  while (request !== undefined) {
    if (request.kind === 'close') closing = true;
    else calls.push(...request.calls);
    request = receiveMessageOnPort(parent)?.message as WriterRequest | undefined;
  }
  for (let from = 0; from < calls.length; from += maxBatch) {
    writer.send({ kind: 'results', results: runBatch(calls.slice(from, from + maxBatch), writer) });
  }
  if (closing) {
    writer.db.close();
    writer.send({ kind: 'closed' });
    parent.close();
  }
}

function runBatch(calls: readonly WriterCall[], writer: Writer): WriterResult[] {
  const { db, statements } = writer;
  try {
    writer.begin();
    const results = calls.map((call) => runVerb(call, db, createTransaction(statements, writer.nowMs())));
    db.exec('COMMIT');
    return results;
  } catch (error) {
    return calls.map(({ id }) => ({ id, failure: describe(error), outcomeUnknown: rollBack(db) }));
  }
}

/** False: the transaction is certainly gone. True: SQLite could not even say that. */
function rollBack(db: DatabaseSync): boolean {
  try {
    if (db.isTransaction) db.exec('ROLLBACK');
    return false;
  } catch (error) {
    return error instanceof Error;
  }
}

function runVerb(call: WriterCall, db: DatabaseSync, tx: Transaction): WriterResult {
  const verb = verbs[call.verb] as (tx: Transaction, input: unknown) => unknown;
  db.exec('SAVEPOINT verb');
  try {
    const output = verb(tx, call.input);
    db.exec('RELEASE verb');
    return { id: call.id, output };
  } catch (error) {
    // A full disk may have ended the whole transaction: then the batch fails, not this verb alone.
    if (!db.isTransaction) throw error;
    db.exec('ROLLBACK TO verb; RELEASE verb');
    return { id: call.id, failure: describe(error), outcomeUnknown: false };
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** Short, randomly spread waits instead of SQLite's growing ones, so that two busy processes take turns. */
function beginImmediate(db: DatabaseSync, timeoutMs: number): void {
  retryBusy(() => db.exec('BEGIN IMMEDIATE'), timeoutMs);
}

function retryBusy<T>(step: () => T, timeoutMs: number): T {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return step();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw error;
      Atomics.wait(pause, 0, 0, 0.2 + Math.random());
    }
  }
}
