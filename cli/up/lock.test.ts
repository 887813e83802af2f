import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { newFolder, removeFolders } from '../testing/run.ts';
import { takeLock } from './lock.ts';
import { processIdentity } from './process-identity.ts';

afterAll(removeFolders);

const now = new Date('2026-11-22T03:00:00Z');

it('is held by one; another is told by whom and since when', () => {
  const file = join(newFolder(), 'lock');
  const lock = takeLock(file, now);
  expect(lock.takenOver).toBe(false);
  expect(() => takeLock(file, now)).toThrow(`in use by process ${process.pid}, since 2026-11-22T03:00:00.000Z`);
  lock.release();
  expect(existsSync(file)).toBe(false);
  takeLock(file, now).release();
});

it('is not held by a process that was killed', async () => {
  const file = join(newFolder(), 'lock');
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const identity = processIdentity(child.pid ?? 0);
  const holder = JSON.stringify({ pid: child.pid, identity, since: now.toISOString() });
  writeFileSync(file, holder);
  expect(() => takeLock(file, now)).toThrow(`process ${child.pid}`);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const lock = takeLock(file, now);
  expect(lock.takenOver).toBe(true);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ pid: process.pid });
});

it('is not held by a later process that got the same id', () => {
  const file = join(newFolder(), 'lock');
  writeFileSync(file, JSON.stringify({ pid: process.pid, identity: 'another boot/1', since: now.toISOString() }));
  expect(takeLock(file, now).takenOver).toBe(true);
});

it('is not held by half a file, and leaves nothing lying about', () => {
  const folder = newFolder();
  writeFileSync(join(folder, 'lock'), '{"pid":');
  expect(takeLock(join(folder, 'lock'), now).takenOver).toBe(true);
  expect(readdirSync(folder)).toEqual(['lock']);
});

it('is released by its holder only', () => {
  const file = join(newFolder(), 'lock');
  const lock = takeLock(file, now);
  writeFileSync(file, 'somebody else');
  lock.release();
  expect(readFileSync(file, 'utf8')).toBe('somebody else');
});
