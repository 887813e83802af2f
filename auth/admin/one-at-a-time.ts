import { Problem } from '@sallyport/contract';

const retryAfterSeconds = 10;

/** For what reads a whole store: a second caller would make both slower, and everybody else. @throws Problem `busy` */
export const oneAtATime = <T>(run: () => Promise<T>): (() => Promise<T>) => {
  let isRunning = false;
  return async () => {
    if (isRunning) throw new Problem('busy', { retryAfterSeconds });
    isRunning = true;
    try {
      return await run();
    } finally {
      isRunning = false;
    }
  };
};
