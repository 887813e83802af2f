import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errorCodes } from '@sallyport/contract';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { errorsPage } from './generate/errors-page.ts';
import { staleFiles, writeAll } from './generate/outputs.ts';

let root = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sallyport-generate-'));
});

afterEach(() => rm(root, { recursive: true }));

describe('generated files', () => {
  const outputs = [
    { file: 'docs/a.md', make: () => 'a\n' },
    { file: 'docs/b.md', make: async () => 'b\n' },
  ];

  test('a missing and a changed file are stale, a fresh one is not', async () => {
    expect(await staleFiles(root, outputs)).toEqual(['docs/a.md', 'docs/b.md']);
    expect(await writeAll(root, outputs)).toEqual(['docs/a.md', 'docs/b.md']);
    expect(await staleFiles(root, outputs)).toEqual([]);
    await writeFile(join(root, 'docs/b.md'), 'edited\n');
    expect(await staleFiles(root, outputs)).toEqual(['docs/b.md']);
    expect(await writeAll(root, outputs)).toEqual(['docs/b.md']);
    expect(await readFile(join(root, 'docs/b.md'), 'utf8')).toBe('b\n');
  });

  test('line ends of another system are not staleness', async () => {
    await writeAll(root, outputs);
    await writeFile(join(root, 'docs/a.md'), 'a\r\n');
    expect(await staleFiles(root, outputs)).toEqual([]);
  });
});

test('the page of errors and the catalogue name the same codes', () => {
  const named = [...errorsPage().matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code);
  expect(new Set(named)).toEqual(new Set(errorCodes));
});
