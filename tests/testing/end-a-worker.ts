/**
 * Loaded before a server's entry (`NODE_OPTIONS=--import …`): SIGUSR2 ends its oldest worker thread, as a fault in it would.
 */
import { isMainThread, type Worker } from 'node:worker_threads';

if (isMainThread) {
  const workers: Worker[] = [];
  process.on('worker', (worker: Worker) => {
    workers.push(worker);
    worker.once('exit', () => workers.splice(workers.indexOf(worker), 1));
  });
  process.on('SIGUSR2', () => void workers[0]?.terminate());
}
