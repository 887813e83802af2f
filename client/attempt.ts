import { randomId } from './random-id.ts';
import type { RefreshAttempt, TokenStore } from './token-store.ts';

const tailLength = 16;
/** Half the issuer's default overlap. */
const burstMs = 5000;

/**
 * Kept before the call, where all tabs see it: whoever comes after a lost answer says that it is the same holder. In cookie mode the tabs
 * that wake together say it with one id, and the issuer gives all of them one generation. A clock that was set back begins no endless burst.
 */
export const attemptFor = (refreshToken: string | undefined, store: TokenStore, nowMs: number): RefreshAttempt => {
  const of = refreshToken?.slice(-tailLength) ?? '';
  const kept = store.readAttempt();
  const isSame = kept?.of === of || Math.abs(nowMs - Number(kept?.of)) < burstMs;
  const attempt = { of, id: (isSame && kept?.id) || randomId() };
  store.writeAttempt(attempt);
  return attempt;
};
