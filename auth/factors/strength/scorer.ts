/**
 * How strong a password is, asked of one thread of its own: an estimate takes up to an eighth of a second of a core, and the event
 * loop must not notice. Owns: the thread's life (started at the first password, ended when idle), the line before it, its time
 * limit. Never: answers for a thread that did not; a password without an estimate is refused for now, not accepted.
 */
import { Worker } from 'node:worker_threads';
import { Problem } from '@sallyport/contract';
import { createHashPool } from '../hash-pool.ts';
import type { ScoreAnswer, ScoreRequest, Strength } from './scorer-worker.ts';

export interface Scorer {
  /**
   * Throws Problem `busy` (503) when too many wait or one waits too long, `password_check_unavailable` (503) when the thread does
   * not answer in time or dies; it is replaced then.
   */
  score(password: string, words: readonly string[]): Promise<Strength>;
  /** Whether the thread, with its 70 MB, is there. */
  readonly running: boolean;
  readonly waiting: number;
  /** Estimates since the start. */
  readonly started: number;
  close(): Promise<void>;
}

export interface ScorerOptions {
  /** Default: the thread of this folder. */
  readonly worker?: URL;
  readonly maxWaiting?: number;
  readonly maxWaitMs?: number;
  /** For one estimate, the thread's start included. */
  readonly timeoutMs?: number;
  /** The thread ends when nobody has asked for this long. */
  readonly idleMs?: number;
}

/**
 * Characters (UTF-16) that are looked at. The cost grows with the square and more, and whoever knows everything behind them still has
 * to guess these: the estimate of the beginning is a lower bound for the whole. Five random words have some 35.
 */
const longestScored = 40;
/**
 * Twice what the dictionaries take: a thread that wants more is ended by Node, not the process. The young generation is small because
 * V8 keeps its pages when the thread has ended.
 */
const resourceLimits = { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 8 };
const retryAfterSeconds = 2;

export const createScorer = (options: ScorerOptions = {}): Scorer => {
  const { worker = defaultWorker(), maxWaiting = 100, maxWaitMs = 10_000, timeoutMs = 8000, idleMs = 60_000 } = options;
  const line = createHashPool({ places: 1, maxWaiting, maxWaitMs });
  let thread: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  let closed = false;

  const stop = async (): Promise<void> => {
    const ending = thread;
    thread = undefined;
    await ending?.terminate();
  };

  const start = (): Worker => {
    const started = startThread(worker);
    started.on('exit', () => {
      if (thread === started) thread = undefined;
    });
    return started;
  };

  const ask = async (request: ScoreRequest): Promise<Strength> => {
    if (closed) throw new Problem('shutting_down', { retryAfterSeconds });
    clearTimeout(idle);
    thread ??= start();
    try {
      return await answerOf(thread, request, timeoutMs);
    } catch (cause) {
      // A thread that is late or has failed answers nobody else's question.
      await stop();
      throw new Problem('password_check_unavailable', { retryAfterSeconds, cause });
    } finally {
      idle = setTimeout(() => void stop(), idleMs).unref();
    }
  };

  return {
    score: (password, words) => line.run(() => ask({ password: password.slice(0, longestScored), words })),
    get running() {
      return thread !== undefined;
    },
    get waiting() {
      return line.waiting;
    },
    get started() {
      return line.started;
    },
    close: async () => {
      closed = true;
      clearTimeout(idle);
      await stop();
    },
  };
};

const defaultWorker = (): URL =>
  new URL(import.meta.url.endsWith('.ts') ? './scorer-worker.ts' : './scorer-worker.js', import.meta.url);

/** No environment: the thread needs no setting and gets no secret. It keeps no process alive, and ends none. */
const startThread = (worker: URL): Worker => {
  const thread = new Worker(worker, { name: 'password-scorer', env: {}, resourceLimits });
  // Whoever waits for an answer hears of it too; between two questions nobody does, and an unheard error would end the process.
  thread.on('error', () => void thread.terminate());
  thread.unref();
  return thread;
};

const answerOf = (thread: Worker, request: ScoreRequest, timeoutMs: number): Promise<Strength> =>
  new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      thread.off('message', onMessage).off('error', onError).off('exit', onExit);
      act();
    };
    const onMessage = ({ strength }: ScoreAnswer): void => settle(() => resolve(strength));
    const onError = (error: Error): void => settle(() => reject(error));
    const onExit = (): void => settle(() => reject(new Error('the scorer thread ended')));
    const timer = setTimeout(() => settle(() => reject(new Error(`no estimate within ${timeoutMs} ms`))), timeoutMs);
    thread.on('message', onMessage).on('error', onError).on('exit', onExit);
    thread.postMessage(request);
  });
