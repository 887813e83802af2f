import { write, writeSync } from 'node:fs';
import type { DestinationStream } from 'pino';

/** Lines are handed to the system in blocks of about this many characters, or after this time. */
const blockChars = 65_536;
const flushAfterMs = 250;
/** Beyond, whoever reads standard output has stopped reading: further lines are counted and dropped. */
const maxWaitingChars = 64 * 1024 * 1024;
const retryMs = 10;
/** At exit nothing can be waited for but the system itself, and that not for ever. */
const exitTries = 200;

export interface LineBuffer extends DestinationStream {
  /** Calls back when everything written so far has been handed to the system. */
  flush(done?: () => void): void;
  /** Writes what waits before it returns: for the end of the process. A block that is under way may come twice, never not at all. */
  flushSync(): void;
}

/**
 * A file descriptor that takes thousands of lines a second: lines are gathered and joined once, one write is under way at a
 * time. A process that is killed loses what waits, 250 ms at most.
 */
export const createLineBuffer = (fd: number): LineBuffer => {
  let lines: string[] = [];
  let chars = 0;
  let dropped = 0;
  let underWay: Buffer | undefined;
  let waiting: (() => void)[] = [];
  let timer: NodeJS.Timeout | undefined;

  const take = (): Buffer => {
    if (dropped > 0) lines.push(`{"level":"warn","dropped":${dropped},"msg":"log lines were dropped"}\n`);
    const block = Buffer.from(lines.join(''));
    lines = [];
    chars = 0;
    dropped = 0;
    return block;
  };

  const settle = (): void => {
    underWay = undefined;
    if (chars >= blockChars || (chars > 0 && waiting.length > 0)) {
      begin();
      return;
    }
    const done = waiting;
    waiting = [];
    for (const callback of done) callback();
  };

  const onWritten = (error: NodeJS.ErrnoException | null, bytes = 0): void => {
    if (underWay === undefined) return;
    // A pipe whose reader is slow; any other error means that nobody reads any more.
    const isSlow = error?.code === 'EAGAIN';
    const rest = underWay.subarray(bytes);
    underWay = rest;
    if (isSlow) setTimeout(() => write(fd, rest, onWritten), retryMs);
    else if (error !== null || rest.length === 0) settle();
    else write(fd, rest, onWritten);
  };

  function begin(): void {
    clearTimeout(timer);
    timer = undefined;
    underWay = take();
    write(fd, underWay, onWritten);
  }

  const buffer: LineBuffer = {
    write: (line) => {
      if (chars > maxWaitingChars) {
        dropped += 1;
        return;
      }
      lines.push(line);
      chars += line.length;
      if (underWay !== undefined) return;
      if (chars >= blockChars) begin();
      else timer ??= setTimeout(begin, flushAfterMs).unref();
    },
    flush: (done = () => undefined) => {
      waiting.push(done);
      if (underWay === undefined) settle();
    },
    flushSync: () => {
      const rest = Buffer.concat([underWay ?? Buffer.alloc(0), take()]);
      underWay = undefined;
      writeAll(fd, rest);
    },
  };
  return buffer;
};

const pause = new Int32Array(new SharedArrayBuffer(4));

const writeAll = (fd: number, bytes: Buffer): void => {
  let rest = bytes;
  for (let tries = 0; rest.length > 0 && tries < exitTries; ) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) return;
      tries += 1;
      Atomics.wait(pause, 0, 0, retryMs);
    }
  }
};
