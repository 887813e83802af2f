import { setImmediate as turnEnd } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { holdUntilTurnEnds } from './turn-end.ts';

describe('what is held until the turn of the event loop ends', () => {
  it('goes after everything else of the turn, in its order', async () => {
    const gone: string[] = [];
    for (const name of ['a', 'b']) holdUntilTurnEnds({ letGo: () => void gone.push(name) });
    await Promise.resolve();
    process.nextTick(() => gone.push('the turn'));
    await turnEnd();
    expect(gone).toEqual(['the turn', 'a', 'b']);
  });

  it('goes once, and what is held meanwhile goes in the next turn', async () => {
    const gone: string[] = [];
    const last = { letGo: () => void gone.push('second') };
    const first = {
      letGo: () => {
        gone.push('first');
        holdUntilTurnEnds(last);
      },
    };
    holdUntilTurnEnds(first);
    await turnEnd();
    expect(gone).toEqual(['first']);
    await turnEnd();
    await turnEnd();
    expect(gone).toEqual(['first', 'second']);
  });
});
