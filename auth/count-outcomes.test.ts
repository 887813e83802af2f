import { Problem } from '@sallyport/contract';
import { StoreUnavailable } from '@sallyport/storage/contracts/store';
import { expect, it } from 'vitest';
import { countOutcomes } from './count-outcomes.ts';

it('counts every end of a call once, and changes none', async () => {
  const counted: string[] = [];
  const thrown = [new Problem('rate_limited'), new StoreUnavailable('away'), new Error('alice@example.org')];
  const useCase = async (at: number) => {
    if (thrown[at] !== undefined) throw thrown[at];
    return { kind: 'tokens' };
  };
  const counting = countOutcomes(
    useCase,
    ({ kind }) => kind,
    (outcome) => counted.push(outcome),
  );
  for (const at of thrown.keys()) await expect(counting(at)).rejects.toBe(thrown[at]);
  expect(await counting(thrown.length)).toEqual({ kind: 'tokens' });
  // What an error says may be a caller's words: it never becomes a label.
  expect(counted).toEqual(['rate_limited', 'store_unavailable', 'failed', 'tokens']);
});
