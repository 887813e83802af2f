import { type LogFile, openLogFile } from './log-file.ts';
import { readableLogLine } from './log-line.ts';
import { splitLines } from './split-lines.ts';

export interface ServerOutputOptions {
  readonly file: string;
  /** Show every line, not only warnings and errors. */
  readonly verbose: boolean;
  readonly say: (text: string) => void;
}

/** Everything into the server's log file, what needs reading to the terminal. */
export const createServerOutput = ({
  file,
  verbose,
  say,
}: ServerOutputOptions): ((stream: 'stdout' | 'stderr', chunk: Uint8Array) => void) => {
  const log = openLogFile(file);
  const show = (line: string): void => {
    const text = readableLogLine(line, verbose);
    if (text !== undefined) say(text);
  };
  // Two streams, two halves of a line.
  const lines = { stdout: splitLines(show), stderr: splitLines(show) };
  const keep = keepWhilePossible(log, say);
  return (stream, chunk) => {
    keep(chunk);
    lines[stream](chunk);
  };
};

/** A full disk must not stop the servers; it is said once. */
const keepWhilePossible = (log: LogFile, say: (text: string) => void): LogFile['write'] => {
  let told = false;
  return (chunk) => {
    try {
      log.write(chunk);
    } catch (error) {
      if (!told) say(`its log cannot be written: ${error instanceof Error ? error.message : 'unknown error'}`);
      told = true;
    }
  };
};
