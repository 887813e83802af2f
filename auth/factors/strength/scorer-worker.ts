/**
 * The thread that estimates how many guesses a password takes. Owns: zxcvbn with its dictionaries (70 MB, a quarter of a second
 * to load). Never: keeps a password, or knows a setting or a secret.
 */
import { parentPort } from 'node:worker_threads';
import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common';
import { dictionary as english, translations } from '@zxcvbn-ts/language-en';
import type { PasswordFeedback } from '../factor.ts';

export interface Strength {
  /** zxcvbn: 10^3, 10^6, 10^8 and 10^10 guesses are the steps. */
  readonly score: 0 | 1 | 2 | 3 | 4;
  /** In the list of the 49,233 most used passwords, or a simple variant of one. */
  readonly common: boolean;
  /** Undefined where zxcvbn has no warning. */
  readonly feedback?: PasswordFeedback;
}

export interface ScoreRequest {
  readonly password: string;
  readonly words: readonly string[];
}
export interface ScoreAnswer {
  readonly strength: Strength;
}

const commonPasswords = 'passwords-common';
const common = new Set(dictionary[commonPasswords]);
/**
 * Readings of `4`, `@`, `1` … that are tried. The default of 100 makes the dearest password take 0.3 s of a core instead of 0.12 s, and
 * scores 21 of 1,500 common passwords lower when every letter of theirs that can be a digit is one.
 */
const l33tMaxSubstitutions = 32;
/** Without translations its feedback is made of codes. Edit distance is off: it compares with every word of every dictionary. */
const zxcvbn = new ZxcvbnFactory({
  dictionary: { ...dictionary, ...english },
  graphs: adjacencyGraphs,
  l33tMaxSubstitutions,
});

const judge = ({ password, words }: ScoreRequest): Strength => {
  const { score, feedback, sequence } = zxcvbn.check(password, [...words]);
  // One match over the whole: the entry itself, in other case, reversed, or with `4` for `a`.
  const [whole, ...others] = sequence;
  const isVariant = others.length === 0 && whole?.['dictionaryName'] === commonPasswords;
  const known = { score, common: isVariant || common.has(password.toLowerCase()) };
  return feedback.warning === null
    ? known
    : { ...known, feedback: spokenFeedback(feedback.warning, feedback.suggestions) };
};

const spokenFeedback = (warning: string, suggestions: readonly string[]): PasswordFeedback => ({
  warning: textOf(translations.warnings, warning),
  suggestions: suggestions.map((code) => textOf(translations.suggestions, code)),
  codes: { warning, suggestions },
});

const textOf = (texts: Readonly<Record<string, string>>, code: string): string => texts[code] ?? code;

parentPort?.on('message', (request: ScoreRequest) => {
  parentPort?.postMessage({ strength: judge(request) } satisfies ScoreAnswer);
});
