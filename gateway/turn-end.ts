/** What waits to write to a socket. */
export interface Held {
  /** Never throws: others wait behind it. */
  letGo(): void;
}

/**
 * Holds writes back until the event loop has handed out everything that had come in, then lets all of them go one after the other. A
 * write wakes whoever waits for it on the other side, and to wake a sleeping processor costs the writer more than the rest of the
 * write; of writes in a row only the first finds it asleep. Nothing waits longer than the turn of the loop in which it was held.
 */
export const holdUntilTurnEnds = (one: Held): void => {
  if (held.length === 0) setImmediate(letAllGo);
  held.push(one);
};

let held: Held[] = [];

const letAllGo = (): void => {
  const all = held;
  held = [];
  for (const one of all) one.letGo();
};
