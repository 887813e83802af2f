import { describe, expect, it } from 'vitest';
import { emailKey, holdsUnseen, usernameKey } from './identifier.ts';

describe('e-mail keys', () => {
  it('are one key for one address however it is spelt', () => {
    expect(emailKey('Ada@Example.ORG')).toBe('ada@example.org');
    expect(emailKey('ａｄａ@example.org')).toBe('ada@example.org');
    expect(emailKey('ada@bücher.example')).toBe('ada@xn--bcher-kva.example');
    expect(emailKey('ada@BÜCHER.example')).toBe('ada@xn--bcher-kva.example');
    expect(emailKey("o'hara+tag@sub.example.org")).toBe("o'hara+tag@sub.example.org");
  });

  it.each([
    '',
    'ada',
    '@example.org',
    'ada@',
    'ada@example',
    'a b@example.org',
    'ada@exa mple.org',
    'ada\r\n@example.org',
    'a@b@example.org',
    '.ada@example.org',
    'a..b@example.org',
    'ada@-example.org',
    'ada@example..org',
    `${'x'.repeat(65)}@example.org`,
    'ada@[127.0.0.1]',
    'ada@example.org\u0000',
  ])('refuse %j', (text) => {
    expect(emailKey(text)).toBeUndefined();
  });
});

describe('keys', () => {
  it('are folded for good: no account is spelled with the letters of another', () => {
    // Iota and upsilon with diaeresis and tonos have small letters of their own, and no capital ones.
    expect(usernameKey('ΜΑΪ\u0301ΟΥ')).toBe(usernameKey('μα\u0390ου'));
    expect(emailKey('ΜΑΪ\u0301ΟΥ@example.org')).toBe(emailKey('μα\u0390ου@example.org'));
    const marks = [0x300, 0x301, 0x307, 0x308, 0x323, 0x327, 0x342, 0x345].map((mark) => String.fromCodePoint(mark));
    for (let code = 0x41; code < 0x2000; code += 1) {
      for (const mark of marks) {
        const key = usernameKey(`x${String.fromCodePoint(code)}${mark}`);
        if (key !== undefined && usernameKey(key) !== key) expect.fail(`U+${code.toString(16)} is folded twice`);
      }
    }
  });
});

describe('what nobody sees', () => {
  it.each([
    0x200b, 0x200d, 0x202e, 0x2066, 0xad, 0xfeff, 0xfe0f, 0x3164, 0xffa0, 0x115f, 0x2800, 0x34f, 0xe0061, 0xe000,
  ])('is found: U+%i', (code) => {
    expect(holdsUnseen(`ad${String.fromCodePoint(code)}a`)).toBe(true);
  });

  it.each(['ada', 'Ädá', 'ада', '愛', 'é', 'أدا', 'a.b-c_d', '👩'])('is not in %s', (name) => {
    expect(holdsUnseen(name)).toBe(false);
  });
});

describe('user name keys', () => {
  it('fold case and width, and refuse what would break a signature string', () => {
    expect(usernameKey('Ａda')).toBe('ada');
    for (const refused of ['', 'a:b', 'a b', 'a\nb']) expect(usernameKey(refused)).toBeUndefined();
  });
});
