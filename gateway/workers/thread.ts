import { Worker } from 'node:worker_threads';
import { SettingsError } from '@sallyport/kit/config';
import type { Asked, AskedName, FromWorker, SpentMessage, ToWorker, WorkerInput } from './messages.ts';

export interface ThreadOptions {
  readonly input: WorkerInput;
  readonly onLog: (text: string) => void;
  readonly onSpent: (spent: readonly SpentMessage[]) => void;
}

export interface Listening {
  readonly port: number;
  readonly url: string;
}

/** A worker, seen from the main thread. */
export interface Thread {
  readonly number: number;
  /** Lets it listen; 0: on any free port. Rejects where it ends before, with the reason. */
  listen(port: number): Promise<Listening>;
  /** Resolves when it is gone, with why; undefined where it was told to. Never rejects. */
  readonly ended: Promise<Error | undefined>;
  /** Undefined: it is gone, or does not answer. */
  ask<Name extends AskedName>(
    name: Name,
    question: Asked[Name]['question'],
  ): Promise<Asked[Name]['answer'] | undefined>;
  /** Ends it at once, whatever it does. */
  end(why: Error): void;
  /** Lets it end its requests; after the limit it is ended. */
  stop(limitMs: number): Promise<void>;
}

const answerLimitMs = 2000;

export const startThread = ({ input, onLog, onSpent }: ThreadOptions): Thread => {
  const worker = new Worker(new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url), {
    name: `gateway-${input.number}`,
    workerData: input,
    // Its settings came with its start.
    env: {},
  });
  const listening = Promise.withResolvers<Listening>();
  const stopped = Promise.withResolvers<void>();
  const waiting = new Map<number, (answer: unknown) => void>();
  let reason: Error | undefined;
  let isStopping = false;
  let lastId = 0;

  const end = (why: Error): void => {
    reason ??= why;
    void worker.terminate();
  };
  worker.on('message', (message: FromWorker) => {
    if (message.kind === 'log') onLog(message.text);
    else if (message.kind === 'spent') onSpent(message.spent);
    else if (message.kind === 'answer') waiting.get(message.id)?.(message.answer);
    else if (message.kind === 'listening') listening.resolve(message);
    else if (message.kind === 'stopped') stopped.resolve();
    else end(refusalOf(message));
  });
  worker.on('error', (error) => {
    reason ??= error instanceof Error ? error : new Error('a fault without an error');
  });
  const ended = new Promise<Error | undefined>((resolve) => {
    worker.once('exit', () => {
      const why = isStopping ? undefined : (reason ?? new Error('the thread ended'));
      listening.reject(why ?? new Error('stopped'));
      stopped.resolve();
      for (const answer of waiting.values()) answer(undefined);
      resolve(why);
    });
  });
  // Whoever starts it may wait for its end alone.
  listening.promise.catch(() => undefined);
  const post = (message: ToWorker): void => worker.postMessage(message);

  return {
    number: input.number,
    listen: (port) => {
      post({ kind: 'listen', port });
      return listening.promise;
    },
    ended,
    end,
    ask: <Name extends AskedName>(name: Name, question: Asked[Name]['question']) => {
      lastId += 1;
      const id = lastId;
      return new Promise<Asked[Name]['answer'] | undefined>((resolve) => {
        const settle = (answer: unknown): void => {
          clearTimeout(timer);
          waiting.delete(id);
          // `messages.ts` says which answer belongs to which name.
          resolve(answer as Asked[Name]['answer'] | undefined);
        };
        const timer = setTimeout(settle, answerLimitMs, undefined);
        waiting.set(id, settle);
        post({ kind: 'ask', id, name, question });
      });
    },
    stop: async (limitMs) => {
      isStopping = true;
      post({ kind: 'stop' });
      const timer = setTimeout(stopped.resolve, limitMs);
      await stopped.promise;
      clearTimeout(timer);
      await worker.terminate();
      await ended;
    },
  };
};

const refusalOf = ({ message, code, problems }: FromWorker & { readonly kind: 'refused' }): Error => {
  if (problems !== undefined) return new SettingsError(problems);
  if (code !== 'ENOTSUP') return new Error(message);
  const problem = 'needs a system that lets threads share a port (Linux, FreeBSD): set it to 1';
  return new SettingsError([{ setting: 'GATEWAY_WORKERS', problem }]);
};
