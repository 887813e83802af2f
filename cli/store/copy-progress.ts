import type { CopyProgress } from '@sallyport/auth/maintenance';

export interface ProgressLines {
  note(progress: CopyProgress): void;
  /** Ends a line that is being written over. */
  end(): void;
}

interface Sink {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const pauseMs = { terminal: 200, log: 5000 } as const;

interface Start {
  readonly table: string;
  readonly atMs: number;
  /** Of an earlier run. */
  readonly copied: number;
}

/** One line for each table, written over on a terminal; elsewhere a large table has one every few seconds. */
export const createProgressLines = (sink: Sink, nowMs: () => number): ProgressLines => {
  const isTerminal = sink.isTTY === true;
  let start: Start | undefined;
  let saidAtMs = 0;
  let isOpen = false;
  const end = (): void => {
    if (isOpen) sink.write('\n');
    isOpen = false;
  };
  return {
    note: (progress) => {
      const now = nowMs();
      if (start?.table !== progress.table) {
        end();
        start = { table: progress.table, atMs: now, copied: progress.copied };
        saidAtMs = now;
        if (progress.copied < progress.total) return;
      }
      const isLast = progress.copied >= progress.total;
      if (!isLast && now - saidAtMs < pauseMs[isTerminal ? 'terminal' : 'log']) return;
      saidAtMs = now;
      const text = progressText(progress, {
        seconds: (now - start.atMs) / 1000,
        copied: progress.copied - start.copied,
      });
      isOpen = isTerminal;
      sink.write(isTerminal ? `\r${text}\u001B[K` : `${text}\n`);
    },
    end,
  };
};

const number = new Intl.NumberFormat('en');

/** `run`: what this run has copied of the table, and in how long. */
export const progressText = (
  { table, copied, total }: CopyProgress,
  run: { readonly seconds: number; readonly copied: number },
): string => {
  const rate = run.seconds > 0 ? run.copied / run.seconds : 0;
  const name = table.padEnd('ended_sessions'.length);
  const counts = `${name}  ${number.format(copied)} of ${number.format(total)} rows`;
  if (copied >= total || rate === 0) return counts;
  const left = Math.ceil((total - copied) / rate);
  return `${counts}, ${number.format(Math.round(rate))} a second, ${left} s left`;
};
