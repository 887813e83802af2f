import { Problem } from '@sallyport/contract';
import { StoreUnavailable } from '@sallyport/storage/contracts/store';

/**
 * The same use case, which counts how each call ended: in `wordOf` the outcome, and for what was thrown the code of the problem,
 * `store_unavailable` or `failed`. Every word stands in the code; none is a caller's.
 */
export const countOutcomes =
  <Request, Outcome>(
    useCase: (request: Request) => Promise<Outcome>,
    wordOf: (outcome: Outcome) => string,
    count: (outcome: string) => void,
  ): ((request: Request) => Promise<Outcome>) =>
  async (request) => {
    try {
      const outcome = await useCase(request);
      count(wordOf(outcome));
      return outcome;
    } catch (error) {
      count(wordOfError(error));
      throw error;
    }
  };

const wordOfError = (error: unknown): string => {
  if (error instanceof Problem) return error.code;
  return error instanceof StoreUnavailable ? 'store_unavailable' : 'failed';
};
