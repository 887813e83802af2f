import { Worker } from 'node:worker_threads';
import type { StoreStats } from '../contracts/storage.ts';
import { StoreUnavailable } from '../contracts/store.ts';
import type { VerbInput, VerbName, VerbOutput } from './verbs/index.ts';
import type { WriterCall, WriterMessage, WriterOptions, WriterRequest, WriterResult } from './writer.ts';

/** Verbs that may wait for the writer; beyond, callers get StoreUnavailable at once. */
const maxPending = 20_000;

export interface WriteQueue {
  readonly stats: StoreStats;
  call<Name extends VerbName>(verb: Name, input: VerbInput<Name>): Promise<VerbOutput<Name>>;
  /** Answers once every accepted verb has been answered and the file is closed. */
  close(): Promise<void>;
}

interface Pending {
  resolve(output: unknown): void;
  reject(error: Error): void;
}

/** Starts the writer thread and resolves when the schema is up to date. Rejects when the file cannot be served. */
export const openWriteQueue = (options: WriterOptions): Promise<WriteQueue> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(
      new URL(import.meta.url.endsWith('.ts') ? './writer.ts' : './writer.js', import.meta.url),
      {
        workerData: options,
        name: 'sqlite-writer',
      },
    );
    const queue = createQueue(worker);
    worker.on('message', (message: WriterMessage) => {
      if (message.kind === 'opened') resolve(queue.handle);
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

const createQueue = (worker: Worker) => {
  const pending = new Map<number, Pending>();
  let waiting: WriterCall[] = [];
  let nextId = 0;
  let failure: string | undefined;
  const ended = Promise.withResolvers<void>();

  /** One message per turn of the event loop, whatever number of requests arrived in it. */
  const flush = (): void => {
    const calls = waiting;
    waiting = [];
    worker.postMessage({ kind: 'calls', calls } satisfies WriterRequest);
  };

  const call: WriteQueue['call'] = (verb, input) =>
    new Promise((resolve, reject) => {
      if (failure !== undefined) return reject(new StoreUnavailable(failure));
      if (pending.size >= maxPending) return reject(new StoreUnavailable(`${maxPending} verbs are waiting`));
      const id = nextId++;
      pending.set(id, { resolve, reject });
      waiting.push({ id, verb, input });
      if (waiting.length === 1) setImmediate(flush);
    });

  const stats = { batches: 0, verbs: 0 };
  const settle = (results: readonly WriterResult[]): void => {
    stats.batches += 1;
    stats.verbs += results.length;
    for (const result of results) {
      const waiter = pending.get(result.id);
      pending.delete(result.id);
      if ('failure' in result) waiter?.reject(new StoreUnavailable(result.failure, result.outcomeUnknown));
      else waiter?.resolve(result.output);
    }
  };

  const fail = (reason: string): void => {
    failure ??= reason;
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
  return { settle, fail, handle: { call, close, stats } satisfies WriteQueue };
};
