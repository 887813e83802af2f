export interface PaceOptions {
  /** Milliseconds that only grow. */
  readonly elapsedMs: () => number;
  /** How long signatures may be checked in one turn of the event loop, in milliseconds; one check more may begin. Default 0.25. */
  readonly turnMs?: number;
}

/** Who asks: the answer to a request, which is destroyed when its client goes away. */
export interface Asker {
  readonly destroyed: boolean;
}

export interface Pace {
  /**
   * Checks now, or in a later turn where this one has done its part.
   * @param asker where it goes away while it waits, nothing is checked for it and the promise stays open
   */
  run<T>(check: () => T | Promise<T>, asker?: Asker): T | Promise<T>;
}

interface Waiting {
  readonly asker: Asker | undefined;
  readonly begin: () => void;
}

/**
 * One line for everything that costs a signature's check: a few in each turn of the event loop, the others wait. So a flood of tokens or of
 * proofs does not stand in front of those who need no check. Who waits is bounded by the connections, each of which has one request under
 * way; who goes away costs those behind it nothing.
 */
export const createPace = ({ elapsedMs, turnMs = 0.25 }: PaceOptions): Pace => {
  const line: Waiting[] = [];
  let spentMs = 0;
  let isTurnBegun = false;

  const spend = <T>(check: () => T): T => {
    if (!isTurnBegun) {
      isTurnBegun = true;
      setImmediate(nextTurn);
    }
    const beganMs = elapsedMs();
    const outcome = check();
    spentMs += elapsedMs() - beganMs;
    return outcome;
  };

  /** After whatever else was ready. */
  const nextTurn = (): void => {
    isTurnBegun = false;
    spentMs = 0;
    while (spentMs < turnMs) {
      const next = line.shift();
      if (next === undefined) return;
      if (next.asker?.destroyed === true) continue;
      next.begin();
    }
  };

  return Object.freeze<Pace>({
    run: <T>(check: () => T | Promise<T>, asker?: Asker): T | Promise<T> => {
      if (spentMs < turnMs && line.length === 0) return spend(check);
      return new Promise<T>((settle) => line.push({ asker, begin: () => settle(spend(check)) }));
    },
  });
};
