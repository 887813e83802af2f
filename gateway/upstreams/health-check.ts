import type { ServiceAddress } from '../http1/open-socket.ts';
import { createHttpPool, type HttpPool } from '../http1/pool.ts';

/** How it is asked whether a target is well. */
export interface HealthOptions {
  /** Asked with GET, without identity; 2xx is well. */
  readonly path: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** So many bad answers in a row take a target out. */
  readonly failures: number;
  /** So many good ones in a row bring it in again. */
  readonly successes: number;
}

export interface HealthCheckParts {
  readonly address: ServiceAddress;
  /** Told at the bound, and again with each further check that says the same. */
  readonly onResult: (isWell: boolean) => void;
}

/** Asks a target again and again, on a connection of its own: no full pool delays it, and no request waits for it. */
export const startHealthCheck = (health: HealthOptions, { address, onResult }: HealthCheckParts): { close(): void } => {
  const { path, intervalMs, timeoutMs, failures, successes } = health;
  const pool = createHttpPool({ address, maxConnections: 1, connectTimeoutMs: timeoutMs, answerTimeoutMs: timeoutMs });
  let good = 0;
  let bad = 0;
  let isClosed = false;
  let timer = setTimeout(check, 0);
  timer.unref();

  /** The next one begins after this one has ended, so that they never pile up. */
  function check(): void {
    ask(pool, path, (isGood) => {
      if (isClosed) return;
      good = isGood ? good + 1 : 0;
      bad = isGood ? 0 : bad + 1;
      if (good >= successes) onResult(true);
      else if (bad >= failures) onResult(false);
      timer = setTimeout(check, intervalMs);
      timer.unref();
    });
  }

  return Object.freeze({
    close: () => {
      isClosed = true;
      clearTimeout(timer);
      pool.close();
    },
  });
};

const headers = Object.freeze(['user-agent', 'sallyport-health']);

/** One question; `answer` is called once. */
const ask = (pool: Pick<HttpPool, 'dispatch'>, target: string, answer: (isGood: boolean) => void): void => {
  let status = 0;
  pool.dispatch(
    { method: 'GET', target, headers, body: null },
    {
      onStart: () => undefined,
      onHead: (head) => {
        status = head.status;
      },
      onBody: () => undefined,
      onRead: () => undefined,
      onEnd: () => answer(status >= 200 && status < 300),
      onError: () => answer(false),
    },
  );
};
