import type { Audit } from '@sallyport/storage/contracts/audit';
import type { Effects } from '@sallyport/storage/contracts/effects';
import type { Outbox } from '@sallyport/storage/contracts/outbox';
import { auditRecordOf, type EventOutcome, eventOf } from './records.ts';

export interface DrainOptions {
  readonly effects: Effects;
  readonly audit: Pick<Audit, 'appendAudit'>;
  readonly outbox: Outbox;
  readonly intervalMs: number;
  /** Told about every failed round; the next one tries again. */
  readonly onError: (error: unknown) => void;
  /** An act whose event does not fit its schema: its audit record is all that is kept of it. */
  readonly onUnfit: (unfit: UnfitEvent) => void;
}

export interface UnfitEvent extends Extract<EventOutcome, { readonly kind: 'unfit' }> {
  readonly effectId: string;
}

export interface Drain {
  /** There is something to move, and somebody may be waiting for it. Costs nothing where a round is to come anyway. */
  wake(): void;
  /** Finishes the running round and drains what is left. */
  stop(): Promise<void>;
}

const batchSize = 500;
/** A store in which effects arrive as fast as they are moved would hold a stop for ever. */
const maxBatchesPerRound = 40;
/** What happens at once goes in one round. */
const gatherMs = 20;

/**
 * Moves effects on: first into audit and outbox, then off the list. At least once; the effect id keeps a second delivery from
 * counting, so any number of nodes may drain one store, and a crash between two steps loses nothing.
 */
export const startDrain = (options: DrainOptions): Drain => {
  let running: Promise<void> = Promise.resolve();
  let soon: NodeJS.Timeout | undefined;
  let stopped = false;

  const round = async (): Promise<void> => {
    try {
      for (let batches = 0; batches < maxBatchesPerRound; batches += 1) {
        if ((await drainBatch(options)) === 0) return;
      }
    } catch (error) {
      options.onError(error);
    }
  };
  const next = (): void => {
    running = running.then(round);
  };
  const timer = setInterval(next, options.intervalMs);

  return {
    wake: () => {
      if (stopped || soon !== undefined) return;
      soon = setTimeout(() => {
        soon = undefined;
        next();
      }, gatherMs);
    },
    stop: async () => {
      stopped = true;
      clearInterval(timer);
      clearTimeout(soon);
      await running;
      await round();
    },
  };
};

const drainBatch = async ({ effects, audit, outbox, onUnfit }: DrainOptions): Promise<number> => {
  const batch = await effects.readEffects(batchSize);
  if (batch.length === 0) return 0;
  await audit.appendAudit(batch.map(auditRecordOf));
  const outcomes = batch.map((effect) => ({ effectId: effect.id, outcome: eventOf(effect) }));
  const events = outcomes.flatMap(({ outcome }) => (outcome.kind === 'event' ? [outcome.event] : []));
  if (events.length > 0) await outbox.appendEvents(events);
  await effects.removeEffects(batch);
  for (const { effectId, outcome } of outcomes) if (outcome.kind === 'unfit') onUnfit({ ...outcome, effectId });
  return batch.length;
};
