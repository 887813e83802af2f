/**
 * Write-ahead: an act happens only where the audit store already has an intent of it; what became of it follows. An intent without an
 * outcome is an act of which nobody knows whether it was done: `audit verify` lists those.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultRealm, type EpochMs, Problem } from '@sallyport/contract';
import type { Clock } from '@sallyport/kit/clock';
import type { Random } from '@sallyport/kit/random';
import type { Audit, AuditRecord } from '@sallyport/storage/contracts/audit';
import type { ActContext } from '@sallyport/storage/contracts/store';

export const intentEventType = 'intent';
export const outcomeEventType = 'outcome';

export interface IntendedAct {
  /** The route, or the command. */
  readonly name: string;
  readonly context: ActContext;
  readonly userId?: string;
  readonly sessionId?: string;
}

export interface Intents {
  /** Writes the intent, acts, and notes the outcome. @throws Problem `audit_unavailable` where it could not be written: nothing was done */
  around<T>(act: IntendedAct, run: () => Promise<T>): Promise<T>;
  stop(): Promise<void>;
  /** Outcomes that were dropped because too many waited. */
  readonly dropped: number;
}

export interface IntentsOptions {
  /** Where intents have to be before the act. */
  readonly ahead: Pick<Audit, 'appendAudit'>;
  /** Where outcomes go: the store of the acts, whence they are carried on like everything else. */
  readonly afterwards: Pick<Audit, 'appendAudit'>;
  readonly clock: Clock;
  readonly random: Pick<Random, 'uuidv7'>;
  readonly onError: (error: unknown) => void;
}

/** How long an act waits for its intent. */
const waitMs = 2000;
const maxWaiting = 2000;
const maxOutcomes = 10_000;
const flushMs = 200;
const retryAfterSeconds = 2;

export const createIntents = ({ ahead, afterwards, clock, random, onError }: IntentsOptions): Intents => {
  const write = inBatches((records) => ahead.appendAudit(records));
  const stopping = new AbortController();
  let outcomes: AuditRecord[] = [];
  let dropped = 0;

  const record = (eventType: string, act: IntendedAct, details: object): AuditRecord => {
    const atMs = clock.nowMs();
    const { context, userId, sessionId } = act;
    return {
      effectId: random.uuidv7(atMs),
      realmId: defaultRealm,
      eventType,
      actor: context.actor,
      ...(userId !== undefined && { userId }),
      ...(sessionId !== undefined && { sessionId }),
      ...(context.address !== undefined && { address: context.address }),
      ...(context.userAgent !== undefined && { userAgent: context.userAgent }),
      requestId: context.requestId,
      details: JSON.stringify(details),
      atMs: atMs as EpochMs,
    };
  };

  const conclude = (act: IntendedAct, intent: string, outcome: object): void => {
    if (outcomes.length >= maxOutcomes) dropped += 1;
    else outcomes.push(record(outcomeEventType, act, { act: act.name, intent, ...outcome }));
  };

  const flush = async (): Promise<void> => {
    if (outcomes.length === 0) return;
    const taken = outcomes;
    outcomes = [];
    try {
      await afterwards.appendAudit(taken);
    } catch (error) {
      outcomes = [...taken, ...outcomes].slice(0, maxOutcomes);
      onError(error);
    }
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await sleep(flushMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      await flush();
    }
  };
  const running = run();

  return {
    around: async (act, perform) => {
      const intent = record(intentEventType, act, { act: act.name });
      try {
        await write(intent);
      } catch (error) {
        // It may have arrived all the same: then this says that nothing followed.
        conclude(act, intent.effectId, { done: false });
        throw new Problem('audit_unavailable', { retryAfterSeconds, cause: error });
      }
      try {
        const result = await perform();
        conclude(act, intent.effectId, { done: true });
        return result;
      } catch (error) {
        conclude(act, intent.effectId, { done: false, code: error instanceof Problem ? error.code : 'internal_error' });
        throw error;
      }
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
    get dropped() {
      return dropped;
    },
  };
};

/** What arrives while one batch is written goes together with the next. */
const inBatches = (
  write: (records: readonly AuditRecord[]) => Promise<void>,
): ((record: AuditRecord) => Promise<void>) => {
  let gathering: { readonly records: AuditRecord[]; readonly written: Promise<void> } | undefined;
  let last: Promise<void> = Promise.resolve();
  let waiting = 0;
  return async (record) => {
    if (waiting >= maxWaiting) throw new Error(`${maxWaiting} intents are waiting`);
    if (gathering === undefined) {
      const records: AuditRecord[] = [];
      const written = last
        .catch(() => undefined)
        .then(() => {
          gathering = undefined;
          return write(records);
        });
      last = written;
      gathering = { records, written };
    }
    gathering.records.push(record);
    waiting += 1;
    try {
      await within(gathering.written);
    } finally {
      waiting -= 1;
    }
  };
};

const within = async (work: Promise<void>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${waitMs} ms`)), waitMs);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};
