import type { createNotify } from './notify.ts';
import type { Payments } from './payments.ts';

export interface OutboxParts {
  readonly payments: Pick<Payments, 'waiting' | 'settle'>;
  readonly notify: ReturnType<typeof createNotify>;
  /** Waits after failures, in milliseconds; the last one is repeated. */
  readonly pausesMs?: readonly number[];
}

export interface Outbox {
  /** Something was stored: look now. */
  readonly wake: () => void;
  /** Lets the call under way end. */
  readonly stop: () => Promise<void>;
}

const batch = 50;

/**
 * Tells the notification service of stored payments, in order, again and again until it has listened: a payment is answered
 * whether or not the other service lives, and nothing is lost with a crash of either.
 */
export const startOutbox = ({ payments, notify, pausesMs = [200, 1_000, 5_000] }: OutboxParts): Outbox => {
  let stopped = false;
  let failures = 0;
  let running: Promise<void> | undefined;
  let again = false;
  let timer: NodeJS.Timeout | undefined;

  /** `false`: the service does not listen now. */
  const tellOne = async (announcement: ReturnType<Payments['waiting']>[number]): Promise<boolean> => {
    const outcome = await notify(announcement);
    if (outcome === 'retry') return false;
    payments.settle(announcement.id, outcome);
    return true;
  };

  const tellAll = async (): Promise<boolean> => {
    for (let waiting = payments.waiting(batch); waiting.length > 0; waiting = payments.waiting(batch)) {
      for (const announcement of waiting) if (stopped || !(await tellOne(announcement))) return false;
    }
    return true;
  };

  const run = async (): Promise<void> => {
    do {
      again = false;
      failures = (await tellAll()) ? 0 : failures + 1;
    } while (again && failures === 0);
    running = undefined;
    if (failures > 0 && !stopped) timer = setTimeout(look, pausesMs[Math.min(failures, pausesMs.length) - 1]);
  };

  const look = (): void => {
    clearTimeout(timer);
    again = true;
    if (!stopped) running ??= run();
  };

  look();
  return {
    wake: look,
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
};
