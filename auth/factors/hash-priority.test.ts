import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { expect, it } from 'vitest';
import { lowerHashPriority } from './hash-priority.ts';
import { createArgon2id } from './hashes/argon2.ts';

const threadsNamed = (start: string): readonly number[] =>
  readdirSync('/proc/self/task')
    .filter((thread) => readFileSync(`/proc/self/task/${thread}/comm`, 'utf8').startsWith(start))
    .map(Number);

it.skipIf(process.platform !== 'linux')('leaves the thread that answers before those that hash', async () => {
  await createArgon2id().hash('correct horse');
  const before = getPriority(process.pid);
  expect(lowerHashPriority()).toBeGreaterThan(0);
  const workers = threadsNamed('libuv-worker').map((thread) => getPriority(thread));
  expect(new Set(workers)).toEqual(new Set([before + 10]));
  expect(getPriority(process.pid)).toBe(before);
});
