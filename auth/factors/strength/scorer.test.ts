import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { createScorer } from './scorer.ts';

const scorer = createScorer();
afterAll(() => scorer.close());
const words = ['ada', 'lovelace', 'ada lovelace', 'spa1', 'example.org', 'example', 'auth', 'service'];

/** The dearest that a search over repeated substitutions found: each costs more than a tenth of a second of a core. */
const hostile = Array.from({ length: 10 }, (_, index) => `${index}4@$5s0o1!il|/\\()<>`.repeat(60));

describe('the strength of a password', () => {
  it.each([
    ['StrongPass123!', 3, false],
    ['correct horse battery', 4, false],
    ['password', 0, true],
    ['PassWord', 0, true],
    ['P@ssw0rd', 0, true],
    ['drowssap', 0, true],
    ['qwertyuiop', 0, true],
    ['aaaaaaaaaaaaaaaaaaaaaaaaaaaa', 0, false],
    ['constructor', 1, false],
    ['__proto__ hasOwnProperty', 4, false],
  ])('%s scores %i, common: %s', async (password, score, common) => {
    expect(await scorer.score(password, words)).toMatchObject({ score, common });
  });

  it('says why in words and codes', async () => {
    expect((await scorer.score('P@ssw0rd', [])).feedback).toEqual({
      warning: 'This is similar to a commonly used password.',
      suggestions: [
        'Add more words that are less common.',
        'Capitalize more than the first letter.',
        "Avoid predictable letter substitutions like '@' for 'a'.",
      ],
      codes: { warning: 'similarToCommon', suggestions: ['anotherWord', 'capitalization', 'l33t'] },
    });
  });

  it("takes the person's own words for guessed at once", async () => {
    const strength = await scorer.score('lovelace10121815', words);
    expect(strength.score).toBeLessThan(3);
    expect(strength.feedback?.codes.warning).toBe('userInputs');
  });

  it('looks at the beginning of a long one only', async () => {
    const weak = `${'a'.repeat(40)}correct horse battery staple`;
    expect(await scorer.score(weak, [])).toMatchObject({ score: 0 });
  });

  it('is estimated without the event loop noticing, however dear the passwords', async () => {
    await scorer.score('warm up', []);
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const begun = performance.now();
    await Promise.all(hostile.map((password) => scorer.score(password, words)));
    const took = performance.now() - begun;
    delay.disable();
    // The ten together cost far more than the longest pause of the loop.
    expect(took).toBeGreaterThan(300);
    expect(delay.percentile(99) / 1e6).toBeLessThan(60);
  });
});

const faulty = (options: Parameters<typeof createScorer>[0] = {}) =>
  createScorer({ worker: new URL('./testing/faulty-worker.ts', import.meta.url), ...options });

describe('the scorer thread', () => {
  it('is started by the first password and ended when nobody asks any more', async () => {
    const short = createScorer({ idleMs: 50 });
    expect(short.running).toBe(false);
    await short.score('correct horse', []);
    expect(short.running).toBe(true);
    await sleep(200);
    expect(short.running).toBe(false);
    expect((await short.score('password', [])).common).toBe(true);
    await short.close();
  });

  it.each(['stick', 'throw', 'eat'])('that fails (%s) is replaced; the password is not accepted', async (password) => {
    const replaced = faulty({ timeoutMs: 3000 });
    await replaced.score('fine', []);
    const refusal = { code: 'password_check_unavailable', status: 503, retryAfterSeconds: 2 };
    await expect(replaced.score(password, [])).rejects.toMatchObject(refusal);
    expect(await replaced.score('fine', [])).toEqual({ score: 4, common: false });
    await replaced.close();
  });

  it('that fails with nobody waiting ends no process, and the next password is judged', async () => {
    const replaced = faulty();
    await replaced.score('after', []);
    await sleep(100);
    expect(replaced.running).toBe(false);
    expect(await replaced.score('fine', [])).toMatchObject({ score: 4 });
    await replaced.close();
  });

  it('has a bounded line before it: beyond, and after too long a wait, 503', async () => {
    const short = faulty({ maxWaiting: 1, maxWaitMs: 30, timeoutMs: 400 });
    const outcomes = await Promise.allSettled([
      short.score('stick', []),
      short.score('waits too long', []),
      short.score('finds the line full', []),
    ]);
    const codes = outcomes.map((outcome) => outcome.status === 'rejected' && (outcome.reason as { code: string }).code);
    expect(codes).toEqual(['password_check_unavailable', 'busy', 'busy']);
    await short.close();
  });

  it('starts no more once it is closed', async () => {
    const over = faulty();
    await over.close();
    await expect(over.score('fine', [])).rejects.toMatchObject({ code: 'shutting_down' });
    expect(over.running).toBe(false);
  });
});
