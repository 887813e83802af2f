import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { makeFolder } from './make-folder.ts';

const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-folder-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
};

it('makes what is missing, for one user alone, and leaves what is there', () => {
  const deep = join(newFolder(), 'a', 'b', 'c');
  makeFolder(deep);
  makeFolder(deep);
  if (process.platform !== 'win32') expect(statSync(deep).mode & 0o777).toBe(0o700);
});

it('says what stands in the way', () => {
  const file = join(newFolder(), 'file');
  writeFileSync(file, '');
  expect(() => makeFolder(file)).toThrow('EEXIST');
  expect(() => makeFolder(join(file, 'below'))).toThrow('ENOTDIR');
});

it.skipIf(!existsSync('/proc/self'))('does not try for ever where no folder can be', () => {
  for (const folder of ['/proc/x', '/proc/x/y/z']) expect(() => makeFolder(folder)).toThrow(/ENOENT.*\/proc\/x/);
});
