import type { Log } from '@sallyport/kit/log';

/** Whether counting together works. Says in one line that it has stopped, and in one that it goes on. */
export interface Health {
  readonly failures: number;
  readonly isWorking: boolean;
  worked(): void;
  failed(reason: string): void;
}

export const createHealth = (log: Pick<Log, 'info' | 'warn'>): Health => {
  let failures = 0;
  let isWorking = true;
  return {
    get failures() {
      return failures;
    },
    get isWorking() {
      return isWorking;
    },
    worked: () => {
      if (!isWorking) log.info('Redis answers again: limits are counted together');
      isWorking = true;
    },
    failed: (reason) => {
      failures += 1;
      if (isWorking) log.warn({ reason }, 'Redis does not answer: limits are counted by this process alone');
      isWorking = false;
    },
  };
};

export const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'unknown error';
  return error.cause instanceof Error ? error.cause.message : error.message;
};
