/**
 * A copy of the chain in a file: one JSON line for each sealed record, in order. Its own last line says where it goes on, so that nothing is
 * missing or doubled after a crash.
 */
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Audit, SealedRecord } from '@sallyport/storage/contracts/audit';

export interface JsonLinesOptions {
  readonly audit: Pick<Audit, 'readSealed'>;
  readonly path: string;
  readonly intervalMs: number;
  readonly onError: (error: unknown) => void;
}

const batchSize = 500;
/** The longest line: 60 KB of details in JSON in JSON, and the rest. */
const tailBytes = 512 * 1024;

/** Follows the chain. Returns how to stop. */
export const startJsonLines = (options: JsonLinesOptions): (() => Promise<void>) => {
  const { audit, path, intervalMs, onError } = options;
  const stopping = new AbortController();
  let file: { readonly handle: FileHandle; place: number } | undefined;

  const round = async (): Promise<void> => {
    file ??= await openAtItsEnd(path);
    for (;;) {
      const records = await audit.readSealed(file.place, batchSize);
      if (records.length === 0) return;
      await file.handle.appendFile(records.map((record) => `${JSON.stringify(record)}\n`).join(''));
      file.place = records.at(-1)?.seal.place ?? file.place;
    }
  };

  const run = async (): Promise<void> => {
    for (let last = false; !last; ) {
      last = stopping.signal.aborted;
      await round().catch(async (error: unknown) => {
        // What was written of it is looked at anew.
        await file?.handle.close().catch(() => undefined);
        file = undefined;
        onError(error);
      });
      if (!last) await sleep(intervalMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
    await file?.handle.close();
  };
  const running = run();
  return async () => {
    stopping.abort();
    await running;
  };
};

const openAtItsEnd = async (path: string): Promise<{ readonly handle: FileHandle; place: number }> => {
  await mkdir(dirname(path), { recursive: true });
  const handle = await open(path, 'a+', 0o600);
  const { size } = await handle.stat();
  const from = Math.max(0, size - tailBytes);
  const tail = Buffer.alloc(size - from);
  await handle.read(tail, 0, tail.length, from);
  const end = tail.lastIndexOf(0x0a) + 1;
  // A line that was cut off by a crash is written again, whole.
  if (end < tail.length) await handle.truncate(from + end);
  const line =
    tail
      .subarray(0, Math.max(0, end - 1))
      .toString('utf8')
      .split('\n')
      .at(-1) ?? '';
  return { handle, place: line === '' ? 0 : (JSON.parse(line) as SealedRecord).seal.place };
};
