export interface StopSignals {
  /** Aborts when the servers are to stop. */
  readonly stop: AbortSignal;
  /** Aborts when somebody cannot wait for that. */
  readonly force: AbortSignal;
}

const countsAsOneMs = 1_000;

/**
 * SIGTERM, Ctrl-C, a closed terminal, or a parent that is gone (its channel closes even when it was killed). Ctrl-C may come
 * from the terminal and again through npm: within a second it is one wish; later it is impatience.
 */
export const listenForStop = (nowMs: () => number): StopSignals => {
  const stop = new AbortController();
  const force = new AbortController();
  let firstMs: number | undefined;
  const tell = (): void => {
    firstMs ??= nowMs();
    if (!stop.signal.aborted) stop.abort();
    else if (nowMs() - firstMs > countsAsOneMs) force.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, tell);
  process.on('disconnect', () => stop.abort());
  // The listener above would keep the process for the channel's sake.
  process.channel?.unref();
  return { stop: stop.signal, force: force.signal };
};
