import type { ApiError } from '@sallyport/client';

export interface PasswordFeedback {
  readonly warning: string;
  readonly suggestions: readonly string[];
}

/** What the issuer says about a password that it refused, in words: `feedback` {`warning`, `suggestions`}. */
export const passwordFeedback = (error: ApiError): PasswordFeedback => {
  const feedback: Readonly<Record<string, unknown>> = Object(Object(error.body)['feedback']);
  const { warning, suggestions } = feedback;
  return {
    warning: typeof warning === 'string' ? warning : '',
    suggestions: Array.isArray(suggestions) ? suggestions.filter((each) => typeof each === 'string') : [],
  };
};
