import { envelopeText } from '../envelope.ts';
import type { EventSink } from './sink.ts';

export interface LogSinkOptions {
  /** Takes one line. Answers when it was written; rejects where it was not. */
  readonly write: (line: string) => Promise<void>;
}

/**
 * Events as lines of JSON (CloudEvents JSON format) for whoever collects what the process prints, and for trying things out. A line is
 * delivered when the system has taken it: what becomes of it then is not known.
 */
export const createLogSink = ({ write }: LogSinkOptions): EventSink => ({
  name: 'log',
  deliver: async (events) => {
    try {
      await write(events.map((event) => `${envelopeText(event)}\n`).join(''));
      return events.map(() => ({ outcome: 'delivered' }));
    } catch {
      return events.map(() => ({ outcome: 'unavailable', reason: 'not_written' }));
    }
  },
  close: async () => undefined,
});

/** To standard output, beside the lines of the log, which have a `level`. */
export const writeToStdout = (line: string): Promise<void> =>
  new Promise((resolve, reject) => {
    // Whoever read it may be gone: that is this sink's trouble, and no fault of the process.
    if (process.stdout.listenerCount('error') === 0) process.stdout.on('error', () => undefined);
    process.stdout.write(line, (error) => (error ? reject(error) : resolve()));
  });
