import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openHashFile } from './hash-file.ts';
import { sha1Of } from './testing/range-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'hash-file-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const write = (text: string): string => {
  files += 1;
  const path = join(folder, `${files}.txt`);
  writeFileSync(path, text);
  return path;
};
const sorted = (size: number): string[] =>
  Array.from({ length: size }, (_, index) => `${sha1Of(`breached ${index}`)}:${index + 1}`).sort();

describe('a file of breached passwords', () => {
  it.each([
    ['one line', 1, '\r\n', true],
    ['a few lines', 7, '\n', false],
    ['just over a block', 90, '\r\n', true],
    ['many lines', 20_000, '\r\n', true],
    ['many lines, no line end at the end', 20_000, '\n', false],
  ])('of %s: each line is found with its count, and nothing else', async (_, size, lineEnd, ended) => {
    const lines = sorted(size);
    const { count, close } = await openHashFile(write(lines.join(lineEnd) + (ended ? lineEnd : '')));
    const step = Math.max(1, Math.floor(size / 500));
    for (let index = 0; index < size; index += step) {
      const [hash = '', expected] = lines[index]?.split(':') ?? [];
      expect(await count(hash)).toBe(Number(expected));
    }
    for (const at of [0, size - 1]) expect(await count(String(lines[at]).slice(0, 40))).toBeGreaterThan(0);
    for (const absent of ['0'.repeat(40), 'F'.repeat(40), sha1Of('never seen')]) expect(await count(absent)).toBe(0);
    await close();
  });

  it.each([
    ['is empty', '', /not SHA1:COUNT/],
    ['holds something else', 'password\n123456\n', /not SHA1:COUNT/],
    ['has NTLM hashes', `${'A'.repeat(32)}:1\n`, /not SHA1:COUNT/],
    [
      'is sorted by count',
      sorted(3000)
        .sort((a, b) => Number(b.slice(41)) - Number(a.slice(41)))
        .join('\n'),
      /not sorted/,
    ],
  ])('that %s is refused when it is opened', async (_, text, message) => {
    await expect(openHashFile(write(text))).rejects.toThrow(message);
  });

  it('that is not there is refused when it is opened', async () => {
    await expect(openHashFile(join(folder, 'missing.txt'))).rejects.toThrow(/ENOENT/);
  });

  it('that is broken in the middle fails instead of finding nothing', async () => {
    const lines = sorted(20_000);
    const broken = lines.map((line, index) => (index > 9000 && index < 11_000 ? 'x'.repeat(line.length) : line));
    const rejected = openHashFile(write(broken.join('\n'))).then(({ count }) =>
      count(String(lines[10_000]).slice(0, 40)),
    );
    await expect(rejected).rejects.toThrow(/not SHA1:COUNT/);
  });
});
