import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { newFolder, removeFolders } from '../testing/run.ts';
import { openLogFile } from './log-file.ts';
import { readableLogLine } from './log-line.ts';
import { splitLines } from './split-lines.ts';

afterAll(removeFolders);

it('a log file never grows past its limit, and the part before is kept', () => {
  const file = join(newFolder(), 'x.log');
  for (const text of ['aaaa', 'bbbb', 'cccc', 'dddd', 'eeee']) {
    // Opened anew for each: a restart goes on where the last one stopped.
    const log = openLogFile(file, 10);
    log.write(Buffer.from(text));
    log.close();
  }
  expect(readFileSync(file, 'utf8')).toBe('eeee');
  expect(readFileSync(`${file}.1`, 'utf8')).toBe('ccccdddd');
});

describe('what is shown of a log line', () => {
  it.each([
    ['{"level":"info","name":"x","msg":"request"}', undefined],
    ['{"level":"warn","time":"t","pid":1,"name":"x","warning":"w","msg":"insecure"}', 'warn: insecure warning="w"'],
    ['{"level":"error","name":"x","err":{"message":"no disk","stack":"s"},"msg":"failed"}', 'error: failed: no disk'],
    ['{"level":"error", broken', 'log: {"level":"error", broken'],
    ['JWT_SECRET is required', 'JWT_SECRET is required'],
    ['  ', undefined],
  ])('%s', (line, text) => {
    expect(readableLogLine(line, false)).toBe(text);
  });

  it('everything where everything is wanted', () => {
    expect(readableLogLine('{"level":"info","name":"x","status":200,"msg":"request"}', true)).toBe(
      'info: request status=200',
    );
  });
});

it('lines are whole however they arrive, and one without end is cut', () => {
  const lines: string[] = [];
  const take = splitLines((line) => lines.push(line));
  const bytes = Buffer.from('ä☕\nsecond\nth');
  for (const byte of bytes) take(Buffer.of(byte));
  take(Buffer.from('ird\n'));
  take(Buffer.alloc(250_000, 'x'));
  expect(lines.slice(0, 3)).toEqual(['ä☕', 'second', 'third']);
  expect(lines.slice(3).join('').length).toBeGreaterThan(200_000);
});
