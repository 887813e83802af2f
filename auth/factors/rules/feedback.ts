/** The words of the rules that zxcvbn does not speak for. Its own codes and texts (`userInputs`, `common`, `pwned` …) are used where they fit. */
import type { PasswordFeedback } from '../factor.ts';

const warnings = {
  characters: 'The password holds a character that cannot be typed (NUL).',
  tooShort: 'This password is too short.',
  tooLong: 'This password is too long.',
  userInputs: 'The password is made of your name, your e-mail address or the name of this service.',
  weak: 'This password is easy to guess.',
  common: 'This is a commonly used password.',
  pwned: 'This password was exposed by a data breach on the Internet.',
} as const;

const suggestions = {
  longer: 'Add more characters: a few words in a row are easy to remember.',
  shorter: 'Leave some characters out.',
  anotherWord: 'Add more words that are less common.',
  notPersonal: 'Choose words that have nothing to do with you or this service.',
  pwned: 'If you use this password elsewhere, you should change it there too.',
} as const;

type WarningCode = keyof typeof warnings;
type SuggestionCode = keyof typeof suggestions;
export const warningCodes: readonly string[] = Object.keys(warnings);
export const suggestionCodes: readonly string[] = Object.keys(suggestions);

export const feedbackOf = (warning: WarningCode, ...advice: readonly SuggestionCode[]): PasswordFeedback => ({
  warning: warnings[warning],
  suggestions: advice.map((code) => suggestions[code]),
  codes: { warning, suggestions: advice },
});
