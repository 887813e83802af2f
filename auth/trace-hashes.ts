import type { Spans } from '@sallyport/kit/spans';
import type { HashPool } from './factors/hash-pool.ts';

/** The same line, which tells how long each request stood in it, and how long its hash took. */
export const traceHashes = (pool: HashPool, { wait, around }: Pick<Spans, 'wait' | 'around'>): HashPool => ({
  get active() {
    return pool.active;
  },
  get waiting() {
    return pool.waiting;
  },
  get started() {
    return pool.started;
  },
  run: async (work) => {
    const standing = wait('password hash queue');
    try {
      return await pool.run(() => {
        standing?.end();
        return around('password hash', {}, work);
      });
    } catch (error) {
      // Once: where it was admitted, this changes nothing.
      standing?.end(error);
      throw error;
    }
  },
});
