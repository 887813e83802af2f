import type { Storage } from '../contracts/storage.ts';

export interface StoreUnderTest {
  readonly storage: Storage;
  /** A second, independent opening of the same store (another connection, as another process would have). */
  readonly second: Storage;
  /** Moves the store's clock forward. */
  advance(ms: number): void;
  close(): Promise<void>;
}

export type Conformance = (store: () => StoreUnderTest) => void;
