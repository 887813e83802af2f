import { setTimeout as sleep } from 'node:timers/promises';
import type { EpochMs } from '@sallyport/contract';
import type { Clock } from '@sallyport/kit/clock';
import type { Random } from '@sallyport/kit/random';
import type { Audit, AuditCheckpoint } from '@sallyport/storage/contracts/audit';
import { sealRecords } from './chain.ts';
import type { CheckpointKeys } from './checkpoints.ts';

export interface SealerOptions {
  readonly audit: Audit;
  readonly keys: CheckpointKeys;
  readonly clock: Clock;
  readonly random: Pick<Random, 'bytes'>;
  /** Names this process among those that would like to seal. */
  readonly holder: string;
  readonly intervalMs: number;
  /** How often a checkpoint is signed while records come. */
  readonly checkpointMs: number;
  /** Where the second copy of each checkpoint goes. */
  readonly copyCheckpoint: (checkpoint: AuditCheckpoint) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

export interface Sealer {
  /** Seals what is there, if this process has the lease, and signs where it ends. */
  stop(): Promise<void>;
  /** Records that this process has sealed. */
  readonly sealed: number;
}

const batchSize = 200;
/** Who pauses longer than this has lost the lease, and the head refuses what he does late. */
const leaseMs = 4000;
const maxBatchesPerRound = 50;

/** One of all processes gives places, within a second. What decides is the chain's head: the lease only keeps the others from trying. */
export const startSealer = (options: SealerOptions): Sealer => {
  const { audit, keys, clock, random, holder, intervalMs, checkpointMs, copyCheckpoint, onError } = options;
  const stopping = new AbortController();
  let sealed = 0;
  let signedPlace = 0;
  let signedAtMs = Number.NEGATIVE_INFINITY;

  const sealBatch = async (): Promise<number> => {
    const open = await audit.readUnsealed(batchSize);
    if (open.length === 0) return 0;
    const head = await audit.readChainHead();
    const records = sealRecords(head, open, random);
    // Somebody else has sealed, or a person was erased meanwhile: the next round reads anew.
    if (!(await audit.sealAudit(head, records))) return 0;
    sealed += records.length;
    return records.length;
  };

  const signHead = async (): Promise<void> => {
    const head = await audit.readChainHead();
    const [signed] = await audit.listCheckpoints({ kind: 'head', afterPlace: head.place - 1, limit: 1 });
    signedPlace = head.place;
    if (signed !== undefined) return;
    const checkpoint = keys.sign('head', head, clock.nowMs() as EpochMs);
    await audit.appendCheckpoint(checkpoint).catch((error: unknown) => {
      signedPlace = 0;
      throw error;
    });
    signedAtMs = performance.now();
    await copyCheckpoint(checkpoint);
  };

  /** Where nothing happens nothing is written, a lease neither. Others seal as well, what they write. */
  const isSomethingToDo = async (): Promise<boolean> =>
    (await audit.readUnsealed(1)).length > 0 || (await audit.readChainHead()).place !== signedPlace;

  const round = async (isLast: boolean): Promise<void> => {
    if (!(await isSomethingToDo())) return;
    if (!(await audit.leaseSealing({ holder, ttlMs: isLast ? 0 : leaseMs }))) return;
    for (let batches = 0; batches < maxBatchesPerRound && (await sealBatch()) > 0; batches += 1);
    if (isLast || performance.now() - signedAtMs >= checkpointMs) await signHead();
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await round(false).catch(onError);
      await sleep(intervalMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
    // The others need not wait for the lease to end by itself.
    await round(true).catch(onError);
  };
  const running = run();
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
    get sealed() {
      return sealed;
    },
  };
};
