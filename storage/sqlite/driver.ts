import type { EpochMs } from '@sallyport/contract';
import type { Sealer } from '@sallyport/kit/seal';
import type { Reader } from './reader.ts';
import type { WriteQueue } from './write-queue.ts';

/** What every contract of this driver is made of. */
export interface Driver {
  readonly queue: WriteQueue;
  readonly reader: Reader;
  readonly sealer: Sealer;
  readonly lifetimeMs: number;
  nowMs(): EpochMs;
}
