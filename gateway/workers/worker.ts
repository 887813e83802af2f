/**
 * One thread that serves the public port: entry of a worker of `node:worker_threads`. It ends when the main thread tells it to, or by
 * a fault, which takes nobody else along.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '@sallyport/kit/clock';
import { SettingsError } from '@sallyport/kit/config';
import { createLifecycle, type Lifecycle } from '@sallyport/kit/lifecycle';
import { createLog, type Log } from '@sallyport/kit/log';
import { systemRandom } from '@sallyport/kit/random';
import { createGateway, type Gateway } from '../app.ts';
import { limitsModeOf, type OpenLimits, openLimits } from '../limits/open-limits.ts';
import { sharedGcra } from '../limits/shared-gcra.ts';
import { createGatewayMetrics, type GatewayMetrics } from '../metrics.ts';
import { openProofs } from '../proof/open-proofs.ts';
import { openPublic } from '../public-listener.ts';
import type { MakeGcra } from '../rate-limiter.ts';
import { openSpans } from '../request-spans.ts';
import type { RulesReading } from '../routes/effective-rules.ts';
import { createLogSender } from './log-sender.ts';
import type { FromWorker, ToWorker, WorkerInput } from './messages.ts';
import { createProcessClock } from './process-clock.ts';
import { openReadiness, workersIn } from './readiness.ts';
import { sentLimits } from './spent-sender.ts';
import { settingsOfWorker } from './worker-settings.ts';

const readinessEveryMs = 50;
/** A replacement that is not ready after so long serves all the same: it answers 503 where it must. */
const readyLimitMs = 5000;

if (isMainThread || parentPort === null) throw new Error('this file is the entry of a worker');
const port = parentPort;
const send = (message: FromWorker): void => port.postMessage(message);

// What the main thread passed: the only one that starts this file.
const input = workerData as WorkerInput;
const lifecycle = createLifecycle();
const told = Promise.withResolvers<number>();
serve(input).catch(async (error: unknown) => {
  await lifecycle.stop();
  send(refusalOf(error));
});

async function serve({ settings: given, number, readiness: memory, counters, ...start }: WorkerInput): Promise<void> {
  const readiness = openReadiness(memory);
  const settings = settingsOfWorker(given, workersIn(memory));
  const sender = createLogSender((text) => send({ kind: 'log', text }));
  lifecycle.add({ name: 'log', stop: () => sender.flush() });
  const log = createLog({ name: settings.serviceName, level: settings.logLevel, destination: sender });
  const metrics = createGatewayMetrics();
  const parts = { log, random: systemRandom, elapsedMs: createProcessClock() };
  const limits = await limitsOf({ ...parts, settings }, sharedGcra(counters, number));
  lifecycle.add({ name: 'limits', stop: limits.close });
  if (limits.stats !== undefined) metrics.watchLimits(limits.stats);
  const clock = systemClock(settings.clockOffsetSeconds);
  const proofs = await openProofs({ settings, log, random: systemRandom, clock }, start.proofs);
  lifecycle.add({ name: 'proofs', stop: () => proofs.close() });
  const tracing = await openSpans(settings);
  lifecycle.add({ name: 'spans', stop: () => tracing?.close() });
  const isProcessReady = readiness.isReady;
  const gateway = createGateway(settings, {
    ...parts,
    metrics,
    clock,
    tracing,
    proofs,
    makeLimiter: limits.make,
    isProcessReady,
  });
  lifecycle.add({ name: 'upstreams', stop: () => gateway.close() });
  answerMainThread(gateway, metrics, lifecycle);
  if (start.isReplacement) await untilReady(gateway, log);
  const open = await openPublic(settings, gateway, { port: await told.promise, isShared: true, log, clock, metrics });
  lifecycle.add({ name: 'public listener', stop: () => open.close() });
  // Before its listener, which would wait for them.
  lifecycle.add({ name: 'tunnels', stop: () => gateway.endTunnels() });
  const tellReady = (): void => {
    readiness.set(number, gateway.isReady() ? 'ready' : 'starting');
    readiness.beat(number);
  };
  tellReady();
  const telling = setInterval(tellReady, readinessEveryMs);
  lifecycle.add({ name: 'readiness', stop: () => clearInterval(telling) });
  send({ kind: 'listening', port: open.port, url: open.url });
}

/** Locally and exactly is this thread's own business; to agree is the main thread's. */
function limitsOf(options: Parameters<typeof openLimits>[0], makeGcra: MakeGcra): Promise<OpenLimits> | OpenLimits {
  if (limitsModeOf(options.settings) !== 'agreed') return openLimits({ ...options, makeGcra });
  return sentLimits(makeGcra, (spent) => send({ kind: 'spent', spent }));
}

function answerMainThread(gateway: Gateway, metrics: GatewayMetrics, { stop }: Lifecycle): void {
  const answers = {
    metrics: () => metrics.snapshot(),
    // The main thread sends what its name says.
    adopt: (question: unknown) => gateway.adopt(question as RulesReading),
  };
  port.on('message', (message: ToWorker) => {
    if (message.kind === 'stop') {
      void stop().then(() => send({ kind: 'stopped' }));
      return;
    }
    if (message.kind === 'listen') {
      told.resolve(message.port);
      return;
    }
    const { id, name, question } = message;
    void Promise.resolve(answers[name](question)).then((answer) => send({ kind: 'answer', id, answer }));
  });
}

async function untilReady(gateway: Gateway, log: Log): Promise<void> {
  const limit = AbortSignal.timeout(readyLimitMs);
  while (!gateway.isReady() && !limit.aborted) await sleep(10);
  if (limit.aborted) log.warn({ readyLimitMs }, 'a worker serves before it is ready');
}

function refusalOf(error: unknown): FromWorker {
  const message = error instanceof Error ? error.message : 'unknown error';
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  return { kind: 'refused', message, code, problems: error instanceof SettingsError ? error.problems : undefined };
}
