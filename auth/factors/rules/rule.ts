/**
 * What a new password must be: one file per rule, `index.ts` is the list in the order in which they are asked. Owns: the verdict
 * and the words for it. Never: asks the store, knows whether an account exists, or keeps a password.
 */
import type { PasswordProblem } from '../factor.ts';

/** A password that somebody would like to have. */
export interface Candidate {
  /** After NFKC. */
  readonly password: string;
  /** What is known of the person and of the service: folded words, at most `mostWords`. */
  readonly words: readonly string[];
}

export interface PasswordRule {
  /** A label of metrics. */
  readonly name: string;
  /** Undefined: fine. */
  readonly check: (candidate: Candidate) => PasswordProblem | undefined | Promise<PasswordProblem | undefined>;
}
