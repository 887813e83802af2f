import { type ErrorTexts, type Problem, problemDetails } from '@sallyport/contract';

/** The refusal's body once more, for nginx, which drops the body of what it asked. */
export const problemHeader = 'x-gateway-problem';

/** JSON in ASCII: what a header value carries, and the same value when it is read as JSON. */
export const problemText = (problem: Problem, texts: ErrorTexts, requestId: string): string =>
  JSON.stringify(problemDetails(problem, texts, requestId)).replaceAll(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
