import { setImmediate as turn } from 'node:timers/promises';
import type { Verification } from '@sallyport/verify';
import { expect, it } from 'vitest';
import { createPace } from './pace.ts';
import { paceVerifier } from './paced-verifier.ts';
import { verifier } from './testing/exchange.ts';
import { mint } from './testing/rig.ts';

/** A verifier whose checks take a tenth of a millisecond each, by a clock that nothing else moves. */
const startPaced = () => {
  let nowMs = 0;
  const checked: string[] = [];
  const paced = paceVerifier(
    {
      verify: (token) => {
        nowMs += 0.1;
        checked.push(token);
        return verifier.verify(token);
      },
      seen: verifier.seen,
    },
    createPace({ elapsedMs: () => nowMs }),
  );
  return { paced, checked };
};

/** Answers that came at once and those that did not. */
const allOf = (answers: readonly (Verification | Promise<Verification>)[]): Promise<Verification[]> =>
  Promise.all(answers.map(async (answer) => answer));

it('checks what is due in a quarter of a millisecond at once, the rest in later turns and in their order', async () => {
  const { paced, checked } = startPaced();
  const tokens = Array.from({ length: 8 }, () => mint());
  const answers = tokens.map((token) => paced.verify(token));
  expect(answers.map((answer) => answer instanceof Promise)).toEqual([...Array(3).fill(false), ...Array(5).fill(true)]);
  await turn();
  expect(checked).toEqual(tokens.slice(0, 6));
  const settled = await allOf(answers);
  expect([checked, settled.map(({ ok }) => ok)]).toEqual([tokens, Array(8).fill(true)]);
});

it('lets nobody wait whose token it has seen', async () => {
  const { paced } = startPaced();
  const known = mint();
  expect(paced.verify(known)).toMatchObject({ ok: true });
  const flood = Array.from({ length: 20 }, () => paced.verify(mint({}, {}, 'another secret')));
  expect(flood.at(-1)).toBeInstanceOf(Promise);
  expect(paced.verify(known)).toMatchObject({ ok: true });
  expect((await allOf(flood)).map(({ ok }) => ok)).toEqual(Array(20).fill(false));
});

it('begins anew when nothing was asked for a while', async () => {
  const { paced } = startPaced();
  for (let n = 0; n < 3; n += 1) await paced.verify(mint());
  await turn();
  expect(paced.verify(mint())).not.toBeInstanceOf(Promise);
});

it('checks nothing for those who have gone away while they waited', async () => {
  const { paced, checked } = startPaced();
  for (let n = 0; n < 3; n += 1) void paced.verify(mint());
  const gone = { destroyed: false };
  for (let n = 0; n < 1000; n += 1) void paced.verify(mint({}, {}, 'another secret'), 'Bearer', gone);
  const token = mint();
  const answer = paced.verify(token, 'Bearer', { destroyed: false });
  gone.destroyed = true;
  expect(answer).toBeInstanceOf(Promise);
  await turn();
  expect(checked.slice(3)).toEqual([token]);
  expect(await answer).toMatchObject({ ok: true });
});
