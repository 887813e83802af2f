import { describe, expect, it } from 'vitest';
import { createBreachedRule } from './breached.ts';
import { createFormRule } from './form.ts';
import { createPersonalRule } from './personal.ts';
import { fold, personalWords } from './personal-words.ts';

describe('the form of a password', () => {
  const form = createFormRule({ minLength: 8, maxBytes: 72 });
  const codeOf = async (password: string) => (await form.check({ password, words: [] }))?.code;

  it('is counted in code points below and in bytes above', async () => {
    expect(await form.check({ password: 'ö'.repeat(7), words: [] })).toMatchObject({
      code: 'password_too_short',
      params: { minimum: 8 },
    });
    expect(await codeOf('😀'.repeat(8))).toBeUndefined();
    expect(await codeOf('x'.repeat(72))).toBeUndefined();
    expect(await form.check({ password: `${'x'.repeat(72)}y`, words: [] })).toMatchObject({
      code: 'password_too_long',
      params: { limitBytes: 72 },
    });
    expect(await codeOf('ö'.repeat(37))).toBe('password_too_long');
  });

  it('holds no NUL', async () => {
    expect(await codeOf('correct horse\0')).toBe('password_invalid');
  });
});

describe('what is known of a person', () => {
  it('is whole, in parts, in words and joined, folded and without what is too short', () => {
    expect(personalWords(['Ada.Lovelace@Mail.Example.org', 'Ada Lövelace', undefined, 'auth-service'])).toEqual([
      'ada.lovelace@mail.example.org',
      'ada.lovelace',
      'ada',
      'lovelace',
      'adalovelace',
      'mail.example.org',
      'mail',
      'example',
      'org',
      'mailexampleorg',
      'ada lovelace',
      'auth-service',
      'auth',
      'service',
      'authservice',
    ]);
  });

  it('is bounded, whatever somebody registers with', () => {
    const words = personalWords([Array.from({ length: 500 }, (_, index) => `word${index}`).join(' '), 'x'.repeat(300)]);
    expect(words.length).toBeLessThanOrEqual(32);
    expect(Math.max(...words.map((word) => word.length))).toBeLessThanOrEqual(40);
  });
});

describe('a password made of what is known of its owner', () => {
  const words = personalWords(['ada.lovelace@mail.example', 'Ada', 'Lovelace', '+44 20 7946 0958', 'auth-service']);
  const check = async (password: string) =>
    (await createPersonalRule().check({ password: password.normalize('NFKC'), words }))?.code;

  it.each([
    ...[
      'adalovelace',
      'Lovelace1815',
      'LOVELACE!!!!',
      'ÁDA-lövelace',
      'Ａｄａ Lovelace',
      'ecalevol1815',
      'ada.lovelace@mail.example',
    ],
    ...['adaadaada', 'mail.example', 'auth-service1', '442079460958', 'Ada+Lovelace=1'],
  ])('is refused: %s', async (password) => {
    expect(await check(password)).toBe('password_personal');
  });

  it.each(['StrongPass123!', 'Ada walks along the river', 'lovelace8h2kzq', 'canada 2412 canal'])(
    'is not what merely holds a name: %s',
    async (password) => {
      expect(await check(password)).toBeUndefined();
    },
  );

  it('folds to one spelling', () => {
    expect(fold('ÅNGSTRÖM ﬁ Ⅸ')).toBe('angstrom fi ix');
  });
});

describe('a breached password', () => {
  const ruleWith = (onFailure: 'open' | 'closed', count: () => Promise<number>) => {
    const failures: unknown[] = [];
    const rule = createBreachedRule({ source: { count }, onFailure, noteFailure: (cause) => failures.push(cause) });
    return { failures, check: async () => rule.check({ password: 'correct horse', words: [] }) };
  };

  it('is refused however seldom it was seen', async () => {
    expect(await ruleWith('open', async () => 1).check()).toMatchObject({ code: 'password_breached' });
    expect(await ruleWith('open', async () => 0).check()).toBeUndefined();
  });

  it('that cannot be looked up is accepted or 503, as is said beforehand, and always noted', async () => {
    const cause = new Error('no answer');
    const open = ruleWith('open', () => Promise.reject(cause));
    expect(await open.check()).toBeUndefined();
    const closed = ruleWith('closed', () => Promise.reject(cause));
    await expect(closed.check()).rejects.toMatchObject({
      code: 'password_check_unavailable',
      retryAfterSeconds: 5,
      cause,
    });
    expect([...open.failures, ...closed.failures]).toEqual([cause, cause]);
  });
});
