import { randomId } from './random-id.ts';
import type { RefreshAttempt, TokenStore } from './token-store.ts';

const tailLength = 16;

/** Kept before the call, where all tabs see it: whoever comes after a lost answer says that it is the same holder. */
export const attemptFor = (refreshToken: string | undefined, store: TokenStore): RefreshAttempt => {
  const of = refreshToken?.slice(-tailLength) ?? '';
  const kept = store.readAttempt();
  if (kept?.of === of) return kept;
  const attempt = { of, id: randomId() };
  store.writeAttempt(attempt);
  return attempt;
};
