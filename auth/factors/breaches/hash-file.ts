/**
 * Breached passwords in a local file: `SHA1:COUNT` lines in order of the hash, as the official downloader writes them (38 GB for
 * all). Owns: binary search in that file, one small read per step. Never: loads it.
 */
import { type FileHandle, open } from 'node:fs/promises';
import type { BreachSource } from '../rules/breached.ts';

/** Longest line: 40 digits, a colon, ten digits of count, two characters of line end. */
const longestLine = 53;
/** Below, the rest is read at once. */
const blockBytes = 4096;
/** Lines that are looked at when the file is opened. */
const samples = 32;

/** Rejects where the file cannot be read, has lines of another form, or is not sorted. */
export const openHashFile = async (path: string): Promise<BreachSource> => {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    await expectSorted(file, size);
    return { count: (sha1) => countOf(file, size, sha1), close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
};

/** Narrows to less than a block, whose beginning is the beginning of a line, and looks there. */
const countOf = async (file: FileHandle, size: number, sha1: string): Promise<number> => {
  let low = 0;
  let high = size;
  while (high - low > blockBytes) {
    const { start, line } = await lineAfter(file, Math.floor((low + high) / 2));
    if (hashOf(line) > sha1) high = start;
    else low = start;
  }
  const lines = (await read(file, low, high - low)).trimEnd().split(/\r?\n/);
  const found = lines.find((line) => hashOf(line) === sha1);
  return found === undefined ? 0 : Number(found.slice(41));
};

/** The first line that begins behind `position`. There is one: the searched stretch is longer than a line. */
const lineAfter = async (file: FileHandle, position: number): Promise<{ start: number; line: string }> => {
  const text = await read(file, position, 2 * longestLine);
  const begin = text.indexOf('\n') + 1;
  return { start: position + begin, line: text.slice(begin).split(/\r?\n/, 1)[0] ?? '' };
};

const read = async (file: FileHandle, position: number, length: number): Promise<string> => {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.toString('latin1', 0, bytesRead);
};

const hashOf = (line: string): string => {
  const [, hash] = /^([0-9A-F]{40}):\d{1,10}$/i.exec(line) ?? [];
  if (hash === undefined) throw new Error('the file of breached passwords holds a line that is not SHA1:COUNT');
  return hash.toUpperCase();
};

const expectSorted = async (file: FileHandle, size: number): Promise<void> => {
  let last = hashOf((await read(file, 0, longestLine)).split(/\r?\n/, 1)[0] ?? '');
  for (let index = 1; index < samples; index += 1) {
    const position = Math.floor((size * index) / samples);
    if (size - position < 2 * longestLine) return;
    const hash = hashOf((await lineAfter(file, position)).line);
    if (hash < last) throw new Error('the file of breached passwords is not sorted by hash');
    last = hash;
  }
};
