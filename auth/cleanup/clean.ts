/**
 * The cleanup: takes away what is over. It decides nothing about a row: the store's verbs do, by the store's clock. Never: touches a
 * session that lives, or one whose tokens are still to be told why they are refused.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SessionId } from '@sallyport/contract';
import type { Storage } from '@sallyport/storage/contracts/storage';
import type { AuthSettings } from '../config.ts';

/** Rows that were removed, by table. */
export type Removed = Readonly<
  Record<'sessions' | 'devices' | 'nonces' | 'counters' | 'revocations' | 'audit' | 'events', number>
>;

export interface CleanOptions {
  readonly storage: Pick<Storage, 'housekeeping' | 'revocations'>;
  /** Takes the beginning of the audit trail, as far as it is older than `keepMs`; in the store where that is kept. */
  readonly cutAudit: (input: { readonly keepMs: number; readonly limit: number }) => Promise<number>;
  readonly settings: Pick<
    AuthSettings,
    'sessionRetentionDays' | 'deviceRetentionDays' | 'auditRetentionDays' | 'eventRetentionDays'
  >;
  /** Ends a run between two steps. */
  readonly signal?: AbortSignal;
}

/** A step holds the store's writer for some milliseconds; between two of them whoever waits has his turn. */
const rowsPerStep = 500;
const sessionsPerStep = 2000;
const pauseMs = 5;
/** A table into which more comes than goes is left to the next run. */
const maxStepsPerTable = 10_000;

/** More than there can be: nothing is folded here, the issuer does that when there are too many. */
const everyEntry = 1_000_000_000;

const dayMs = 86_400_000;
/** Longer than anybody may take to confirm one. */
const keepUnconfirmedMs = 3_600_000;

export const clean = async ({ storage, settings, signal, cutAudit }: CleanOptions): Promise<Removed> => {
  const { housekeeping, revocations } = storage;
  const repeat = async (step: () => Promise<{ readonly removed: number; readonly more: boolean }>): Promise<number> => {
    let removed = 0;
    for (let steps = 0; steps < maxStepsPerTable && signal?.aborted !== true; steps += 1) {
      const found = await step();
      removed += found.removed;
      if (!found.more) break;
      await sleep(pauseMs);
    }
    return removed;
  };
  const inSteps = (remove: (limit: number) => Promise<number>): Promise<number> =>
    repeat(async () => {
      const removed = await remove(rowsPerStep);
      return { removed, more: removed === rowsPerStep };
    });
  const byAge = async (
    days: number | undefined,
    remove: (input: { readonly keepMs: number; readonly limit: number }) => Promise<number>,
  ): Promise<number> => (days === undefined ? 0 : inSteps((limit) => remove({ keepMs: days * dayMs, limit })));

  let after: SessionId | undefined;
  const keepEndedMs = settings.sessionRetentionDays * dayMs;
  return {
    sessions: await repeat(async () => {
      const from = after === undefined ? {} : { after };
      const swept = await housekeeping.removeExpiredSessions({ ...from, keepEndedMs, limit: sessionsPerStep });
      after = swept.last;
      return { removed: swept.removed, more: swept.last !== undefined };
    }),
    devices: await inSteps((limit) =>
      housekeeping.removeDeadDevices({
        unconfirmedForMs: keepUnconfirmedMs,
        revokedForMs: settings.deviceRetentionDays * dayMs,
        limit,
      }),
    ),
    nonces: await inSteps(housekeeping.removeExpiredNonces),
    counters: await inSteps(housekeeping.removeIdleCounters),
    revocations: await repeat(async () => {
      const { expired } = await revocations.tidyRevocations(everyEntry);
      return { removed: expired, more: expired > 0 };
    }),
    audit: await byAge(settings.auditRetentionDays, cutAudit),
    events: await byAge(settings.eventRetentionDays, housekeeping.removeOldEvents),
  };
};
