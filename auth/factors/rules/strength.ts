import type { PasswordFeedback, PasswordProblem } from '../factor.ts';
import type { Scorer } from '../strength/scorer.ts';
import type { Strength } from '../strength/scorer-worker.ts';
import { feedbackOf } from './feedback.ts';
import type { PasswordRule } from './rule.ts';

export interface StrengthOptions {
  readonly scorer: Pick<Scorer, 'score'>;
  /** 0 to 4, zxcvbn's scale; 0 refuses nothing by its strength. */
  readonly minScore: number;
  readonly refuseCommon: boolean;
}

/** Refuses commonly used passwords, and those that fewer guesses find than the score asks for. */
export const createStrengthRule = ({ scorer, minScore, refuseCommon }: StrengthOptions): PasswordRule => ({
  name: 'strength',
  check: async ({ password, words }) => {
    const strength = await scorer.score(password, words);
    if (refuseCommon && strength.common) return { code: 'password_common', feedback: withWarning(strength, 'common') };
    return strength.score < minScore ? tooWeak(strength, minScore) : undefined;
  },
});

const tooWeak = (strength: Strength, minimum: number): PasswordProblem => {
  const feedback = withWarning(strength, 'weak');
  if (feedback.codes.warning === 'userInputs') return { code: 'password_personal', feedback };
  return { code: 'password_weak', params: { score: strength.score, minimum }, feedback };
};

/** zxcvbn says nothing about what is neither strong nor of a known kind of weakness. */
const withWarning = ({ feedback }: Strength, otherwise: 'common' | 'weak'): PasswordFeedback =>
  feedback ?? feedbackOf(otherwise, 'anotherWord');
