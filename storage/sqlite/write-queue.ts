import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { SchemaState, StoreStats } from '../contracts/storage.ts';
import { StoreUnavailable } from '../contracts/store.ts';
import type { VerbInput, VerbName, VerbOutput } from './verbs/index.ts';
import type { WriterCall, WriterMessage, WriterOptions, WriterRequest, WriterResult } from './writer.ts';

/** Verbs that may wait for the writer; beyond, callers get StoreUnavailable at once. */
const maxPending = 20_000;
/** Answers that are handed on in one turn of the event loop. */
const answersPerTurn = 8;
/** While a batch is being written, the next one is sent after it as soon as it has this many verbs; a smaller one waits for its end. */
const worthSending = 16;

export interface WriteQueue {
  /** As the first thread found it and left it. */
  readonly schema: SchemaState;
  readonly stats: StoreStats;
  /** False while the writer thread is gone and a new one is not open yet. */
  readonly alive: boolean;
  call<Name extends VerbName>(verb: Name, input: VerbInput<Name>): Promise<VerbOutput<Name>>;
  /** Calls back after each batch that was committed or failed. Returns how to stop. */
  onBatch(listener: () => void): () => void;
  /** Answers once every accepted verb has been answered and the file is closed. */
  close(): Promise<void>;
}

interface Pending {
  resolve(output: unknown): void;
  reject(error: Error): void;
}

const reopenPauseMs = 250;

/**
 * Starts the writer thread and resolves when the schema is up to date. Rejects when the file cannot be served. A thread that dies
 * later (memory, a fault in it) is replaced: otherwise the process would live on and answer 503 for ever.
 */
export const openWriteQueue = async (options: WriterOptions): Promise<WriteQueue> => {
  const stats = { batches: 0, verbs: 0 };
  const listeners = new Set<() => void>();
  const onSettled = (): void => {
    for (const listener of listeners) listener();
  };
  const closing = new AbortController();
  let current = await openWriter(options, stats, onSettled);
  const keepOpen = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await current.ended;
      await sleep(reopenPauseMs, undefined, { signal: closing.signal });
      current = await openWriter(options, stats, onSettled).catch(() => current);
    }
    await current.close();
  };
  const kept = keepOpen().catch(() => current.close());
  return {
    schema: current.schema,
    stats,
    get alive() {
      return current.alive;
    },
    call: (verb, input) => current.call(verb, input),
    onBatch: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: async () => {
      closing.abort();
      await current.close();
      await kept;
    },
  };
};

interface Writer extends Omit<WriteQueue, 'onBatch'> {
  /** Resolves when the thread is gone, for whatever reason. */
  readonly ended: Promise<void>;
}

const openWriter = (options: WriterOptions, stats: Counts, onSettled: () => void): Promise<Writer> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(
      new URL(import.meta.url.endsWith('.ts') ? './writer.ts' : './writer.js', import.meta.url),
      {
        workerData: options,
        name: 'sqlite-writer',
      },
    );
    const queue = createQueue(worker, stats, onSettled);
    worker.on('message', (message: WriterMessage) => {
      if (message.kind === 'opened') resolve(Object.assign(queue.handle, { schema: message.schema }));
      else if (message.kind === 'refused') {
        reject(new Error(message.message));
        queue.fail('the writer refused to start');
        void worker.terminate();
      } else if (message.kind === 'results') queue.settle(message.results);
    });
    worker.on('error', (error: Error) => {
      reject(error);
      queue.fail(error.message);
    });
    worker.on('exit', () => {
      reject(new Error('the writer thread ended'));
      queue.fail('the writer thread ended');
    });
  });

interface Counts {
  batches: number;
  verbs: number;
}

/**
 * A small Buffer is a window on a pool of 64 KiB, and a message copies all that lies behind a window: 20,000 waiting verbs would
 * hold over a gigabyte.
 */
const compact = (input: unknown): unknown => {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input;
  const members: Record<string, unknown> = { ...input };
  for (const name in members) {
    const value = members[name];
    if (value instanceof Uint8Array && value.byteLength < value.buffer.byteLength)
      members[name] = Uint8Array.from(value);
  }
  return members;
};

const createQueue = (worker: Worker, stats: Counts, onSettled: () => void) => {
  const pending = new Map<number, Pending>();
  let waiting: WriterCall[] = [];
  let posted = 0;
  let nextId = 0;
  let failure: string | undefined;
  const ended = Promise.withResolvers<void>();

  const flush = (): void => {
    const calls = waiting;
    waiting = [];
    posted += calls.length;
    worker.postMessage({ kind: 'calls', calls } satisfies WriterRequest);
  };

  /**
   * One message per turn of the event loop at most, whatever number of requests arrived in it; and while the disk is waited for,
   * what arrives is gathered: a message wakes the writer, and few large batches cost less than many small ones.
   */
  const flushWhenWorthIt = (): void => {
    if (waiting.length > 0 && (posted === 0 || waiting.length >= worthSending)) flush();
  };

  const call: WriteQueue['call'] = (verb, input) =>
    new Promise((resolve, reject) => {
      if (failure !== undefined) return reject(new StoreUnavailable(failure));
      if (pending.size >= maxPending) return reject(new StoreUnavailable(`${maxPending} verbs are waiting`));
      const id = nextId++;
      pending.set(id, { resolve, reject });
      waiting.push({ id, verb, input: compact(input) });
      if (waiting.length === 1 || waiting.length === worthSending) setImmediate(flushWhenWorthIt);
    });

  const settleOne = (result: WriterResult): void => {
    const waiter = pending.get(result.id);
    pending.delete(result.id);
    if ('failure' in result) waiter?.reject(new StoreUnavailable(result.failure, result.outcomeUnknown));
    else waiter?.resolve(result.output);
  };

  /** What follows an answer (signing, writing to a socket) takes its time: a whole batch at once would hold up everybody else. */
  const arrived: WriterResult[] = [];
  const deliver = (): void => {
    for (const result of arrived.splice(0, answersPerTurn)) settleOne(result);
    if (arrived.length > 0) setImmediate(deliver);
  };

  const settle = (results: readonly WriterResult[]): void => {
    stats.batches += 1;
    stats.verbs += results.length;
    posted -= results.length;
    flushWhenWorthIt();
    const idle = arrived.length === 0;
    arrived.push(...results);
    if (idle) deliver();
    onSettled();
  };

  const fail = (reason: string): void => {
    failure ??= reason;
    for (const result of arrived.splice(0)) settleOne(result);
    for (const waiter of pending.values()) waiter.reject(new StoreUnavailable(reason, true));
    pending.clear();
    ended.resolve();
  };

  const close = async (): Promise<void> => {
    if (failure === undefined) {
      failure = 'the store is closed';
      if (waiting.length > 0) flush();
      worker.postMessage({ kind: 'close' } satisfies WriterRequest);
    }
    await ended.promise;
  };
  const handle: Omit<Writer, 'schema'> = {
    stats,
    ended: ended.promise,
    get alive() {
      return failure === undefined;
    },
    call,
    close,
  };
  return { settle, fail, handle };
};
