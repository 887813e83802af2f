/** A destination of a log. */
export interface LogSender {
  write(line: string): void;
  /** Sends what waits. */
  flush(done?: () => void): void;
}

const blockChars = 65_536;
const sendAfterMs = 50;

/**
 * Lines of a worker on their way to the main thread, which alone writes: two threads that write to one pipe would mix their lines.
 * A worker that is killed loses what waits, 50 ms at most.
 */
export const createLogSender = (send: (text: string) => void): LogSender => {
  let lines: string[] = [];
  let chars = 0;
  let timer: NodeJS.Timeout | undefined;

  const sendAll = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (lines.length === 0) return;
    send(lines.join(''));
    lines = [];
    chars = 0;
  };
  return {
    write: (line) => {
      lines.push(line);
      chars += line.length;
      if (chars >= blockChars) sendAll();
      else timer ??= setTimeout(sendAll, sendAfterMs);
    },
    flush: (done) => {
      sendAll();
      done?.();
    },
  };
};
