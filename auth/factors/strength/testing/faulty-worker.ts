/** A thread that fails in every way that zxcvbn could: it never answers, throws, or eats all memory; anything else it finds strong. */
import { parentPort } from 'node:worker_threads';
import type { ScoreAnswer, ScoreRequest } from '../scorer-worker.ts';

parentPort?.on('message', ({ password }: ScoreRequest) => {
  if (password === 'throw') throw new Error('a fault in the estimate');
  const eaten: number[][] = [];
  while (password === 'eat') eaten.push(Array.from({ length: 100_000 }, (_, index) => index / 3));
  while (password === 'stick');
  parentPort?.postMessage({ strength: { score: 4, common: false } } satisfies ScoreAnswer);
  // An error between two questions.
  if (password === 'after')
    setImmediate(() => {
      throw new Error('a fault with nobody waiting');
    });
});
