import type { AccessTokenVerifier, Verification } from '@sallyport/verify';

export interface PacedVerifierOptions {
  /** Milliseconds that only grow. */
  readonly elapsedMs: () => number;
  /** How long signatures may be checked in one turn of the event loop, in milliseconds; one check more may begin. Default 0.25. */
  readonly turnMs?: number;
}

/** Who asks: the answer to a request, which is destroyed when its client goes away. */
interface Asker {
  readonly destroyed: boolean;
}

export interface PacedVerifier {
  /** @param asker where it goes away while it waits, nothing is checked for it and the promise stays open */
  verify(token: string, asker?: Asker): Verification | Promise<Verification>;
  /** What is known of a token that was good before, judged anew but for its signature. */
  seen(token: string): Verification | undefined;
}

interface Waiting {
  readonly token: string;
  readonly asker: Asker | undefined;
  readonly settle: (verification: Verification | Promise<Verification>) => void;
}

/**
 * A verifier that keeps a flood of unseen tokens from standing in front of everybody else: their signatures are checked a few in each
 * turn of the event loop, the others wait. Tokens that were seen before never wait. Who waits is bounded by the connections, each of
 * which has one request under way; who sends a token and goes away costs those behind it no check.
 */
export const paceVerifier = (
  verifier: Pick<AccessTokenVerifier, 'verify' | 'seen'>,
  { elapsedMs, turnMs = 0.25 }: PacedVerifierOptions,
): PacedVerifier => {
  const line: Waiting[] = [];
  let spentMs = 0;
  let isTurnBegun = false;

  const check = (token: string): Verification | Promise<Verification> => {
    if (!isTurnBegun) {
      isTurnBegun = true;
      setImmediate(nextTurn);
    }
    const beganMs = elapsedMs();
    const verification = verifier.verify(token);
    spentMs += elapsedMs() - beganMs;
    return verification;
  };

  /** After whatever else was ready. */
  const nextTurn = (): void => {
    isTurnBegun = false;
    spentMs = 0;
    while (spentMs < turnMs) {
      const next = line.shift();
      if (next === undefined) return;
      if (next.asker?.destroyed === true) continue;
      next.settle(check(next.token));
    }
  };

  return Object.freeze({
    seen: verifier.seen,
    verify: (token: string, asker?: Asker) => {
      const seen = verifier.seen(token);
      if (seen !== undefined) return seen;
      if (spentMs < turnMs && line.length === 0) return check(token);
      return new Promise<Verification>((settle) => line.push({ token, asker, settle }));
    },
  });
};
