import type { ActContext } from './store.ts';

/** What was ended because the store was put back to an earlier state. */
export interface Restored {
  readonly sessions: number;
  readonly users: number;
}

export interface Recovery {
  /**
   * For a store that was put back to an earlier state, before a server works on it: what was ended, changed or issued after that state is
   * not known any more. In one step every live session ends (`restored`), both epochs of every user rise above whatever they can have
   * been meanwhile, and the store gets the given incarnation, so that subscribers of the feed begin anew. Companions are forgotten: what
   * stands in them is dead by the epochs. Signing keys are the caller's.
   * Idempotent but for the incarnation; a second call ends what was begun meanwhile.
   */
  markRestored(input: { readonly incarnation: string; readonly context: ActContext }): Promise<Restored>;
}

/**
 * Epochs after a restore: seconds since 2024-01-01 by the store's clock. No account can have changed its epoch once a second since its
 * backup was made, so the restored ones are below all that was issued, and these are above. As seconds since 1970 they would not fit into
 * 31 bits after 2038.
 */
export const restoredEpochStartMs = Date.UTC(2024, 0, 1);
