import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { createLineBuffer } from './log-buffer.ts';

const openFile = () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-log-'));
  const path = join(folder, 'log');
  const fd = openSync(path, 'a');
  onTestFinished(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });
  return { fd, read: () => readFileSync(path, 'utf8') };
};
const lines = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, at) => `{"n":${from + at},"text":"${'é'.repeat(40)}"}\n`);

it('writes every line once, in order, however many come', async () => {
  const { fd, read } = openFile();
  const buffer = createLineBuffer(fd);
  const all = lines(20_000);
  for (const line of all) buffer.write(line);
  await new Promise<void>((resolve) => buffer.flush(resolve));
  expect(read() === all.join('')).toBe(true);
});

it('lets a single line wait for a quarter of a second at most', async () => {
  const { fd, read } = openFile();
  createLineBuffer(fd).write('one\n');
  expect(read()).toBe('');
  await expect.poll(read, { timeout: 1000 }).toBe('one\n');
});

it('flushes at once when there is nothing to be written', async () => {
  const { fd } = openFile();
  await new Promise<void>((resolve) => createLineBuffer(fd).flush(resolve));
});

it('writes what waits when the process ends', () => {
  const { fd, read } = openFile();
  const buffer = createLineBuffer(fd);
  const all = lines(300);
  for (const line of all) buffer.write(line);
  buffer.flushSync();
  buffer.flushSync();
  expect(read() === all.join('')).toBe(true);
});

const program = (body: string): string[] => [
  '--input-type=module',
  '-e',
  `import { bufferedStdout } from ${JSON.stringify(new URL('./log.ts', import.meta.url).href)};
   const out = bufferedStdout(); ${body}`,
];

it('loses nothing at process.exit', () => {
  const { stdout } = spawnSync(
    process.execPath,
    program("for (let n = 0; n < 5000; n++) out.write(n + '\\n'); process.exit(0);"),
    {
      encoding: 'utf8',
    },
  );
  expect(stdout.split('\n')).toHaveLength(5001);
});

it('waits for a slow reader, and keeps the order', async () => {
  const child = spawn(
    process.execPath,
    program("for (let n = 0; n < 60000; n++) out.write(n + 'x'.repeat(50) + '\\n');"),
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  await sleep(300);
  let text = '';
  for await (const chunk of child.stdout) text += chunk;
  const numbers = text
    .trim()
    .split('\n')
    .map((line) => Number.parseInt(line, 10));
  expect([numbers.length, numbers.every((number, at) => number === at)]).toEqual([60_000, true]);
});
