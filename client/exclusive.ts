/** Runs `work` while no other tab runs its own, where that can be had. */
export type Exclusive = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * One tab at a time, by the Web Locks API: the browser itself lets go of what a closed or crashed tab held. Waits at most `waitMs`, then
 * runs all the same, since the issuer can tell callers with one attempt id apart from thieves; so no tab ever hangs on another.
 */
export const createExclusive =
  (locks: Pick<LockManager, 'request'> | undefined, name: string, waitMs: number): Exclusive =>
  async (work) => {
    if (locks === undefined) return work();
    let begun = false;
    try {
      return await locks.request(name, { signal: AbortSignal.timeout(waitMs) }, () => {
        begun = true;
        return work();
      });
    } catch (error) {
      if (begun) throw error;
      // Waited long enough, or locks are refused here (SecurityError in an opaque origin).
      return work();
    }
  };
