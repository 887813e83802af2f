import { setTimeout as sleep } from 'node:timers/promises';
import type { Audit, AuditSpool } from '@sallyport/storage/contracts/audit';

export interface DeliveryOptions {
  /** Where records wait. */
  readonly spool: AuditSpool;
  /** Where they go. */
  readonly audit: Pick<Audit, 'appendAudit'>;
  /** True where no other process delivers at present. */
  readonly lease: (ttlMs: number) => Promise<boolean>;
  readonly intervalMs: number;
  /** Once per outage, and at its end. */
  readonly onChange: (state: { readonly up: boolean; readonly error?: unknown }) => void;
  readonly onError: (error: unknown) => void;
}

export interface Delivery {
  /** Tries once more. */
  stop(): Promise<void>;
  readonly delivered: number;
  readonly failures: number;
}

const batchSize = 200;
const longestPauseMs = 10_000;
const maxBatchesPerRound = 100;
/** Who dies with it holds up the others this long. */
const leaseMs = 4000;
/** Another node that has read effects and is late appends them within this time, and finds them. */
const keepDeliveredMs = 15 * 60_000;
const tidyEveryMs = 60_000;

/**
 * Carries what waits to the audit store, with back-off, for as long as it takes. It runs beside everything else: neither the outbox nor the
 * revocation feed nor any request waits for that store. At least once; the effect id keeps a second delivery from counting.
 */
export const startDelivery = (options: DeliveryOptions): Delivery => {
  const { spool, audit, lease, intervalMs, onChange, onError } = options;
  const stopping = new AbortController();
  const counts = { delivered: 0, failures: 0 };
  let pauseMs = intervalMs;
  let up = true;
  let tidiedAtMs = performance.now();

  const deliverBatch = async (): Promise<number> => {
    const open = await spool.readUnsealed(batchSize);
    if (open.length === 0) return 0;
    await audit.appendAudit(open).catch((error: unknown) => {
      throw new NotTaken(error);
    });
    await spool.markDelivered(open.map(({ effectId }) => effectId));
    counts.delivered += open.length;
    if (!up) onChange({ up: true });
    up = true;
    return open.length;
  };

  const deliverAll = async (): Promise<void> => {
    for (let batches = 0; batches < maxBatchesPerRound && (await deliverBatch()) === batchSize; batches += 1);
  };

  const round = async (): Promise<void> => {
    try {
      if ((await spool.readUnsealed(1)).length > 0 && (await lease(leaseMs))) await deliverAll();
      pauseMs = intervalMs;
      if (performance.now() - tidiedAtMs < tidyEveryMs) return;
      tidiedAtMs = performance.now();
      await spool.removeDelivered({ keepMs: keepDeliveredMs, limit: 10_000 });
    } catch (error) {
      pauseMs = Math.min(longestPauseMs, pauseMs * 2);
      if (!(error instanceof NotTaken)) return onError(error);
      counts.failures += 1;
      if (up) onChange({ up: false, error: error.cause });
      up = false;
    }
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await round();
      // Nodes that come back together do not call together.
      await sleep(pauseMs * (0.75 + Math.random() / 2), undefined, { signal: stopping.signal }).catch(() => undefined);
    }
    if (up) await round();
  };
  const running = run();
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
    get delivered() {
      return counts.delivered;
    },
    get failures() {
      return counts.failures;
    },
  };
};

class NotTaken extends Error {
  override readonly name = 'NotTaken';
  constructor(cause: unknown) {
    super('the audit store has not taken it', { cause });
  }
}
