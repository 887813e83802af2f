import { type MetricsSnapshot, mergeSnapshots } from '@sallyport/kit/metrics';
import type { WorkerSnapshot } from './worker-pool.ts';

const counted = 'sallyport_gateway_requests_total';
const addable: readonly string[] = ['counter', 'histogram'];

/** What the process has of its own would count once for each worker. */
const ofWorker = (metrics: MetricsSnapshot): MetricsSnapshot =>
  metrics.filter(({ name }) => !name.startsWith('process_'));
/** The loop of the main thread idles: it would hide how late the others are. */
const ofMainThread = (metrics: MetricsSnapshot): MetricsSnapshot =>
  metrics.filter(({ name }) => !name.startsWith('nodejs_eventloop_'));

export interface WorkerMetrics {
  /** The metrics of the process: the main thread's own, its workers', and what is left of those that are gone. */
  text(main: MetricsSnapshot, workers: readonly WorkerSnapshot[]): Promise<string>;
  /** A worker is gone. What it had counted stays counted: a sum that goes down would look like a restart of them all. */
  left(worker: number): void;
}

export const createWorkerMetrics = (): WorkerMetrics => {
  const last = new Map<number, MetricsSnapshot>();
  let departed: MetricsSnapshot[] = [];
  return {
    text: async (main, workers) => {
      for (const { worker, metrics } of workers) last.set(worker, metrics);
      if (departed.length > 1) departed = [await mergeSnapshots(departed).snapshot()];
      // Of one that does not answer, what it said last: it has not gone back to nothing.
      const serving = [...last.values()].map(ofWorker);
      return mergeSnapshots([ofMainThread(main), ...serving, ...departed]).text();
    },
    left: (worker) => {
      const metrics = last.get(worker);
      last.delete(worker);
      if (metrics === undefined) return;
      departed.push(ofWorker(metrics).filter(({ type }) => addable.includes(String(type))));
    },
  };
};

/** Requests that a worker has answered. */
export const requestsOf = ({ metrics }: WorkerSnapshot): number =>
  (metrics.find(({ name }) => name === counted)?.values ?? []).reduce((sum, { value }) => sum + value, 0);
