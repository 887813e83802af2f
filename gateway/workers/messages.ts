import type { SettingProblem } from '@sallyport/kit/config';
import type { MetricsSnapshot } from '@sallyport/kit/metrics';
import type { GatewaySettings } from '../config.ts';
import type { SharedCounters } from '../limits/shared-gcra.ts';
import type { SharedProofs } from '../proof/proof-table.ts';
import type { LimitNumbers } from '../rate-limiter.ts';
import type { RulesReading } from '../routes/effective-rules.ts';
import type { Adoption } from '../routes/route-source.ts';

/** What a worker is started with: in memory, so that no secret stands in an argument or an environment. */
export interface WorkerInput {
  readonly settings: GatewaySettings;
  /** From 1. */
  readonly number: number;
  readonly counters: SharedCounters;
  readonly proofs: SharedProofs;
  readonly readiness: SharedArrayBuffer;
  /** It takes somebody's place: it begins to listen when it can serve, since the others do. */
  readonly isReplacement: boolean;
}

export interface Asked {
  readonly metrics: { readonly question: undefined; readonly answer: MetricsSnapshot };
  readonly adopt: { readonly question: RulesReading; readonly answer: Adoption };
}

export type AskedName = keyof Asked;

export type ToWorker =
  | { readonly kind: 'ask'; readonly id: number; readonly name: AskedName; readonly question: unknown }
  /** 0: any free port. */
  | { readonly kind: 'listen'; readonly port: number }
  | { readonly kind: 'stop' };

/** What was let through for one key of a limit; `Spent` without the functions. */
export interface SpentMessage {
  readonly name: string;
  readonly numbers: LimitNumbers;
  readonly key: string;
  readonly count: number;
}

export type FromWorker =
  | { readonly kind: 'listening'; readonly port: number; readonly url: string }
  | {
      readonly kind: 'refused';
      readonly message: string;
      readonly code: string | undefined;
      readonly problems: readonly SettingProblem[] | undefined;
    }
  | { readonly kind: 'log'; readonly text: string }
  | { readonly kind: 'spent'; readonly spent: readonly SpentMessage[] }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'stopped' };
