import { Problem } from '@sallyport/contract';

const retryAfterSeconds = 10;

/** For what reads a whole store: a second caller would make both slower, and everybody else. @throws Problem `busy` */
export const oneAtATime = <T, Given extends readonly unknown[]>(
  run: (...given: Given) => Promise<T>,
): ((...given: Given) => Promise<T>) => {
  let isRunning = false;
  return async (...given) => {
    if (isRunning) throw new Problem('busy', { retryAfterSeconds });
    isRunning = true;
    try {
      return await run(...given);
    } finally {
      isRunning = false;
    }
  };
};
