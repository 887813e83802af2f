import type { Storage } from '../contracts/storage.ts';

export interface StoreUnderTest {
  readonly storage: Storage;
  /** A second, independent opening of the same store (another connection, as another process would have). */
  readonly second: Storage;
  /** Its rows of sessions go when their time is over, by another clock than `advance` moves: there is nothing to take away. */
  readonly sessionsEndByThemselves?: true;
  /** Moves the store's clock forward. */
  advance(ms: number): void;
  close(): Promise<void>;
}

export type Conformance = (store: () => StoreUnderTest) => void;
