import { feedbackOf } from './feedback.ts';
import { fold } from './personal-words.ts';
import type { PasswordRule } from './rule.ts';

/** A year, a full stop and a sign, an exclamation mark repeated: what people put behind their name. */
const fewOthers = 4;

/**
 * Refuses what consists of the person's own words and little else: at most `fewOthers` different characters beside them.
 * A password that merely holds a name among other words is the strength rule's to judge.
 */
export const createPersonalRule = (): PasswordRule => ({
  name: 'personal',
  check: ({ password, words }) => {
    const folded = fold(password);
    const rest = withoutWords(folded, words);
    if (rest === folded || new Set(rest).size > fewOthers) return undefined;
    return { code: 'password_personal', feedback: feedbackOf('userInputs', 'notPersonal') };
  },
});

/** Longest first, forwards and backwards. */
const withoutWords = (text: string, words: readonly string[]): string =>
  words
    .flatMap((word) => [word, Array.from(word).reverse().join('')])
    .sort((a, b) => b.length - a.length)
    .reduce((rest, word) => rest.replaceAll(word, ''), text);
