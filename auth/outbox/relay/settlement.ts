import type { Settlement } from '@sallyport/storage/contracts/outbox';
import type { Delivery } from '../sinks/sink.ts';
import { refusalPauseMs } from './pauses.ts';

export interface SentEvent {
  readonly effectId: string;
  /** How often it had been refused before. */
  readonly tries: number;
}

export interface SettlementRules {
  /** EVENT_MAX_TRIES */
  readonly maxTries: number;
  readonly spread: () => number;
}

export interface Verdict extends Pick<Settlement, 'published' | 'retries' | 'dead'> {
  /** Nothing was taken and something could not be asked: the receiver is away. */
  readonly receiverAway: boolean;
  readonly unavailableReason: string | undefined;
}

const maxReasonLength = 200;

/** What the answers of a sink mean for the rows. An event without an answer was not delivered. Pure but for the spread. */
export const verdictOf = (
  sent: readonly SentEvent[],
  answers: readonly Delivery[],
  { maxTries, spread }: SettlementRules,
): Verdict => {
  const published: string[] = [];
  const retries: { effectId: string; reason: string; retryInMs: number }[] = [];
  const dead: { effectId: string; reason: string }[] = [];
  let unavailableReason: string | undefined;
  sent.forEach(({ effectId, tries }, index) => {
    const answer = answers[index] ?? { outcome: 'unavailable', reason: 'no_answer' };
    switch (answer.outcome) {
      case 'delivered':
        published.push(effectId);
        break;
      case 'rejected': {
        const reason = answer.reason.slice(0, maxReasonLength);
        if (tries + 1 >= maxTries) dead.push({ effectId, reason });
        else retries.push({ effectId, reason, retryInMs: refusalPauseMs(tries, spread()) });
        break;
      }
      case 'unavailable':
        unavailableReason ??= answer.reason.slice(0, maxReasonLength);
        break;
    }
  });
  return {
    published,
    retries,
    dead,
    unavailableReason,
    receiverAway: unavailableReason !== undefined && published.length === 0,
  };
};
