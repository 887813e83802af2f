import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '@sallyport/kit/log';
import type { MetricsSnapshot } from '@sallyport/kit/metrics';
import type { GatewaySettings } from '../config.ts';
import type { SharedCounters } from '../limits/shared-gcra.ts';
import { releaseLocksOf } from '../limits/shared-table.ts';
import type { SharedProofs } from '../proof/proof-table.ts';
import type { RulesReading } from '../routes/effective-rules.ts';
import type { Adoption } from '../routes/route-source.ts';
import { createHangWatch } from './hang-watch.ts';
import type { SpentMessage } from './messages.ts';
import type { Readiness } from './readiness.ts';
import { startThread, type Thread } from './thread.ts';

export interface WorkerPoolOptions {
  readonly settings: GatewaySettings;
  readonly workers: number;
  /** 0: any free one. */
  readonly port: number;
  readonly counters: SharedCounters;
  readonly proofs: SharedProofs;
  readonly readiness: Readiness;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  readonly elapsedMs: () => number;
  readonly onLog: (text: string) => void;
  readonly onSpent: (spent: readonly SpentMessage[]) => void;
  /** Told of each that ends. */
  readonly onEnd: (worker: number) => void;
}

export interface WorkerPool {
  readonly port: number;
  readonly url: string;
  /** How often a worker was replaced. */
  readonly restarts: number;
  /** By every worker, or not at all; those that come later have it from their start. */
  adopt(reading: RulesReading): Promise<Adoption>;
  /** Of the workers that answer. */
  snapshots(): Promise<readonly WorkerSnapshot[]>;
  /** Lets all end their requests. */
  close(): Promise<void>;
}

export interface WorkerSnapshot {
  readonly worker: number;
  readonly metrics: MetricsSnapshot;
}

const firstPauseMs = 100;
const longestPauseMs = 5000;
/** Whoever lived for so long was no failed start. */
const settledAfterMs = 10_000;
/** A worker whose event loop has stood still for ten seconds is ended and replaced. */
const hangLookEveryMs = 1000;
const hangLooks = 10;
/** Each drains its listener within 8 s. */
const stopLimitMs = 9000;

/** Starts the workers; rejects, and leaves none, where one of them refuses to start. One that dies later is replaced. */
export const openWorkerPool = async (options: WorkerPoolOptions): Promise<WorkerPool> => {
  const { workers, readiness, counters, proofs, log, elapsedMs, onLog, onSpent, onEnd } = options;
  const closing = new AbortController();
  const threads = new Map<number, Thread>();
  let { settings } = options;
  let version = 0;
  let restarts = 0;

  const start = (number: number, isReplacement: boolean): Thread => {
    const input = { settings, number, counters, proofs, readiness: readiness.memory, isReplacement };
    const thread = startThread({ input, onLog, onSpent });
    threads.set(number, thread);
    return thread;
  };

  const clearAfter = ({ number }: Thread): void => {
    threads.delete(number);
    readiness.set(number, 'away');
    releaseLocksOf(counters.memory, number);
    onEnd(number);
  };

  /** Routes that were adopted meanwhile it has missed. */
  const takePlace = async (thread: Thread, port: number): Promise<void> => {
    const startedWith = version;
    const startedMs = elapsedMs();
    await thread.listen(port);
    if (version !== startedWith) await thread.ask('adopt', { rules: settings, problems: [], warnings: [] });
    log.info({ worker: thread.number, durationMs: Math.round(elapsedMs() - startedMs) }, 'a worker serves again');
  };

  const keepServing = async (first: Thread, port: number): Promise<void> => {
    let thread = first;
    let startedMs = elapsedMs();
    let pauseMs = firstPauseMs;
    for (;;) {
      const reason = await thread.ended;
      clearAfter(thread);
      if (closing.signal.aborted) return;
      log.error({ worker: thread.number, err: reason }, 'a worker ended: another one takes its place');
      pauseMs = elapsedMs() - startedMs > settledAfterMs ? firstPauseMs : pauseMs;
      await sleep(pauseMs, undefined, { signal: closing.signal }).catch(() => undefined);
      if (closing.signal.aborted) return;
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      restarts += 1;
      startedMs = elapsedMs();
      thread = start(thread.number, true);
      // Where it fails, its end is told above.
      takePlace(thread, port).catch(() => undefined);
    }
  };

  const hangs = createHangWatch(hangLooks);
  const endHanging = (): void => {
    for (const [number, thread] of threads) {
      if (hangs.look(number, readiness.beats(number))) thread.end(new Error('its event loop stood still'));
    }
  };
  const watching = setInterval(endHanging, hangLookEveryMs);
  watching.unref();

  const close = async (): Promise<void> => {
    clearInterval(watching);
    closing.abort();
    await Promise.all([...threads.values()].map((thread) => thread.stop(stopLimitMs)));
  };

  const startAll = async () => {
    const started = Array.from({ length: workers }, (_, at) => start(at + 1, false));
    const [first, ...others] = started;
    if (first === undefined) throw new TypeError('openWorkerPool: no workers');
    // The first finds the port that all share.
    const listening = await first.listen(options.port);
    await Promise.all(others.map((other) => other.listen(listening.port)));
    return { ...listening, started };
  };

  const { port, url, started } = await startAll().catch(async (error: unknown) => {
    await close();
    throw error;
  });
  const kept = Promise.all(started.map((thread) => keepServing(thread, port)));

  return Object.freeze<WorkerPool>({
    port,
    url,
    get restarts() {
      return restarts;
    },
    adopt: async (reading) => {
      const asked = new Set(threads.values());
      const answers = await Promise.all([...asked].map((thread) => thread.ask('adopt', reading)));
      const refused = answers.find((answer) => answer?.ok === false);
      if (refused !== undefined) return refused;
      const adopted = answers.find((answer) => answer !== undefined);
      if (adopted === undefined || reading.rules === undefined) return { ok: false, problems: ['no worker answers'] };
      settings = Object.freeze({ ...settings, ...reading.rules });
      version += 1;
      // Who has begun to serve while the others were waited for has begun with the routes before.
      const late = [...threads.values()].filter((thread) => !asked.has(thread));
      await Promise.all(late.map((thread) => thread.ask('adopt', reading)));
      return adopted;
    },
    snapshots: async () => {
      const asked = [...threads.values()].map(async (thread) => {
        const metrics = await thread.ask('metrics', undefined);
        return metrics === undefined ? [] : [{ worker: thread.number, metrics }];
      });
      return (await Promise.all(asked)).flat();
    },
    close: async () => {
      await close();
      await kept;
    },
  });
};
