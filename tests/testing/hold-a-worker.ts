/**
 * Loaded before a server's entry, as `end-a-worker.ts`: the third worker thread stands still for 2.5 s once there is a file beside the
 * route file with `.hold` behind its name.
 */
import { existsSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import threads, { isMainThread, Worker, type WorkerOptions, workerData } from 'node:worker_threads';

const heldMs = 2500;

/** Workers of the gateway have an environment of their own, and what stands in ours is not loaded there. */
class HeldWorker extends Worker {
  constructor(file: URL, options: WorkerOptions) {
    super(file, { ...options, execArgv: [`--import=${import.meta.url}`] });
  }
}

const held = workerData as { readonly number: number; readonly settings: { readonly routesFile: string } } | null;
if (isMainThread) {
  threads.Worker = HeldWorker;
  syncBuiltinESMExports();
} else if (held?.number === 3) {
  const timer = setInterval(() => {
    if (!existsSync(`${held.settings.routesFile}.hold`)) return;
    clearInterval(timer);
    for (const untilMs = performance.now() + heldMs; performance.now() < untilMs; );
  }, 5);
  timer.unref();
}
