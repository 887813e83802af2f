import { systemClock } from '@sallyport/kit/clock';
import type { Lifecycle } from '@sallyport/kit/lifecycle';
import type { Log } from '@sallyport/kit/log';
import type { Random } from '@sallyport/kit/random';
import type { GatewaySettings } from '../config.ts';
import { createTableMemory } from '../limits/shared-table.ts';
import type { GatewayMetrics } from '../metrics.ts';
import { createSharedProofs } from '../proof/open-proofs.ts';
import { publicPort } from '../public-listener.ts';
import type { RulesReading } from '../routes/effective-rules.ts';
import type { Adoption } from '../routes/route-source.ts';
import { agreeForWorkers } from './agree-for-workers.ts';
import { createProcessClock } from './process-clock.ts';
import { createReadinessMemory, openReadiness } from './readiness.ts';
import { createWorkerMetrics, requestsOf } from './worker-metrics.ts';
import { openWorkerPool } from './worker-pool.ts';

export interface StartWorkersOptions {
  readonly settings: GatewaySettings;
  readonly workers: number;
  readonly lifecycle: Pick<Lifecycle, 'add'>;
  readonly log: Log;
  readonly metrics: GatewayMetrics;
  readonly random: Random;
  /** Writes lines of the workers. */
  readonly writeLines: (text: string) => void;
}

/** What serves the public port, one gateway or several in threads, as the main thread sees it. */
export interface Serving {
  readonly port: number;
  readonly url: string;
  readonly isReady: () => boolean;
  readonly adopt: (reading: RulesReading) => Adoption | Promise<Adoption>;
  /** Looks at the files of certificates at once. */
  readonly reloadCertificates: () => void;
  /** The metrics of the whole process. */
  readonly metrics: Pick<GatewayMetrics, 'text' | 'contentType'>;
}

/** Starts the workers and what they share. Throws where one of them cannot start. */
export const startWorkers = async (options: StartWorkersOptions): Promise<Serving> => {
  const { settings, workers, lifecycle, log, metrics, random, writeLines } = options;
  const elapsedMs = createProcessClock();
  const bytes = random.bytes(8);
  const hashKey = { low: bytes.readInt32LE(0), high: bytes.readInt32LE(4) };
  const counters = { memory: createTableMemory(), hashKey };
  const agreeing = await agreeForWorkers({ settings, log, random, elapsedMs }, counters, workers + 1);
  lifecycle.add({ name: 'limits', stop: agreeing.close });
  if (agreeing.stats !== undefined) metrics.watchLimits(agreeing.stats);
  const proofs = createSharedProofs(random, systemClock(settings.clockOffsetSeconds).nowMs());
  const readiness = openReadiness(createReadinessMemory(workers));
  const workerMetrics = createWorkerMetrics();
  const pool = await openWorkerPool({
    ...{ settings, workers, port: publicPort(settings), counters, proofs, readiness, log, elapsedMs },
    onLog: writeLines,
    onSpent: agreeing.note,
    onEnd: workerMetrics.left,
  });
  lifecycle.add({ name: 'workers', stop: pool.close });
  const showWorkers = metrics.watchWorkers();
  const text = async (): Promise<string> => {
    const snapshots = await pool.snapshots();
    const serving = snapshots.map((snapshot) => ({ worker: snapshot.worker, requests: requestsOf(snapshot) }));
    showWorkers(serving, pool.restarts);
    return workerMetrics.text(await metrics.snapshot(), snapshots);
  };
  return Object.freeze<Serving>({
    port: pool.port,
    url: pool.url,
    isReady: readiness.isReady,
    adopt: pool.adopt,
    // Each worker looks at its files by itself, every two seconds at the latest.
    reloadCertificates: () => undefined,
    metrics: { text, contentType: metrics.contentType },
  });
};
