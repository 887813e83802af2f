import { publicUrlOf } from '@sallyport/verify';

export const publicUrlProblem = (text: string | undefined): string | undefined => {
  try {
    if (text !== undefined) publicUrlOf(text);
    return undefined;
  } catch {
    return 'must be a URL such as https://api.example.org: no query, no fragment';
  }
};
