import type { Audit } from '@sallyport/storage/contracts/audit';
import type { Effects } from '@sallyport/storage/contracts/effects';
import type { Outbox, OutboxEvent } from '@sallyport/storage/contracts/outbox';
import { auditRecordOf, eventOf } from './records.ts';

export interface DrainOptions {
  readonly effects: Effects;
  readonly audit: Pick<Audit, 'appendAudit'>;
  readonly outbox: Outbox;
  readonly intervalMs: number;
  /** Told about every failed round; the next one tries again. */
  readonly onError: (error: unknown) => void;
}

export interface Drain {
  /** Finishes the running round and drains what is left. */
  stop(): Promise<void>;
}

const batchSize = 500;
/** A store in which effects arrive as fast as they are moved would hold a stop for ever. */
const maxBatchesPerRound = 40;

/**
 * Moves effects on: first into audit and outbox, then off the list. At least once; the effect id keeps a second delivery from
 * counting, so any number of nodes may drain one store, and a crash between two steps loses nothing.
 */
export const startDrain = (options: DrainOptions): Drain => {
  let running: Promise<void> = Promise.resolve();

  const round = async (): Promise<void> => {
    try {
      for (let batches = 0; batches < maxBatchesPerRound; batches += 1) {
        if ((await drainBatch(options)) === 0) return;
      }
    } catch (error) {
      options.onError(error);
    }
  };
  const timer = setInterval(() => {
    running = running.then(round);
  }, options.intervalMs);

  return {
    stop: async () => {
      clearInterval(timer);
      await running;
      await round();
    },
  };
};

const drainBatch = async ({ effects, audit, outbox }: DrainOptions): Promise<number> => {
  const batch = await effects.readEffects(batchSize);
  if (batch.length === 0) return 0;
  await audit.appendAudit(batch.map(auditRecordOf));
  const events = batch.map(eventOf).filter((event): event is OutboxEvent => event !== undefined);
  if (events.length > 0) await outbox.appendEvents(events);
  await effects.removeEffects(batch);
  return batch.length;
};
