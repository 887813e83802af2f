/**
 * Starting and stopping. `createLifecycle` collects what was started and stops it in reverse order within a time limit;
 * `runServer` is the whole of a `main.ts`: environment, signals, the channel to a supervisor, exit codes.
 * Never: stops something twice, or lets one part that fails to stop keep the others running.
 */
export { type RunningServer, runServer, type ServerInput } from './run-server.ts';

export interface LifecyclePart {
  readonly name: string;
  readonly stop: () => Promise<void> | void;
}

export interface StopReport {
  /** Parts whose `stop` threw, with what it threw. */
  readonly failed: readonly { readonly name: string; readonly error: unknown }[];
  /** The part at which the time limit ended, and those that were not reached; empty = all stopped. */
  readonly unfinished: readonly string[];
}

export interface Lifecycle {
  /** Notes a part that was just started. Where the stop has begun, it is stopped too. */
  add(part: LifecyclePart): void;
  /** Stops all parts, last started first. Later calls get the same report. */
  stop(): Promise<StopReport>;
  readonly stopping: boolean;
}

/** `limitMs`: for all parts together, default 10 s. */
export const createLifecycle = ({ limitMs = 10_000 }: { readonly limitMs?: number } = {}): Lifecycle => {
  const parts: LifecyclePart[] = [];
  const failed: { name: string; error: unknown }[] = [];
  let report: Promise<StopReport> | undefined;
  let ended = false;

  const stopOne = async ({ name, stop }: LifecyclePart): Promise<void> => {
    try {
      await stop();
    } catch (error) {
      failed.push({ name, error });
    }
  };

  const stopAll = async (): Promise<StopReport> => {
    const deadline = startDeadline(limitMs);
    const unfinished: string[] = [];
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
      const outcome = await Promise.race([stopOne(part), deadline.passed]);
      if (outcome === 'passed') unfinished.push(part.name);
    }
    ended = true;
    deadline.cancel();
    return Object.freeze({ failed, unfinished });
  };

  return {
    add: (part) => {
      if (ended) void stopOne(part);
      else parts.push(part);
    },
    stop: () => {
      report ??= stopAll();
      return report;
    },
    get stopping() {
      return report !== undefined;
    },
  };
};

/** After the limit every further part is still told to stop, but no longer waited for. */
const startDeadline = (limitMs: number): { passed: Promise<'passed'>; cancel: () => void } => {
  const { promise, resolve } = Promise.withResolvers<'passed'>();
  const timer = setTimeout(() => resolve('passed'), limitMs);
  return { passed: promise, cancel: () => clearTimeout(timer) };
};
