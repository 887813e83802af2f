/** How long a relay waits before it tries again. Doubling, with a ceiling, spread so that relays which failed together do not return together. */

const receiverPause = { firstMs: 250, mostMs: 10_000 } as const;
const refusalPause = { firstMs: 1000, mostMs: 300_000 } as const;

const pause = ({ firstMs, mostMs }: { firstMs: number; mostMs: number }, failures: number, spread: number): number =>
  // From half of it to the whole.
  Math.round(Math.min(mostMs, firstMs * 2 ** Math.min(failures, 30)) * (0.5 + spread / 2));

/** After the receiver took nothing `failures` + 1 times in a row. `spread`: from 0 to below 1, drawn anew each time. */
export const receiverPauseMs = (failures: number, spread: number): number => pause(receiverPause, failures, spread);

/** Before an event that was refused `tries` + 1 times is tried again. */
export const refusalPauseMs = (tries: number, spread: number): number => pause(refusalPause, tries, spread);
