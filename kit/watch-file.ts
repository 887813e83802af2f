import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';

export interface WatchOptions {
  readonly path: string;
  /** What `fingerprintOf` gave before the file was last read. */
  readonly known: string;
  readonly onChange: () => void;
}

/** A file is taken as written when nothing has happened in its folder for so long. */
const quietMs = 100;
/** Folders that tell nothing (network file systems, some containers) are looked at. */
const pollMs = 2000;

/** What changes when a file is written or replaced, also behind a symbolic link. */
export const fingerprintOf = (path: string): string => {
  try {
    const { mtimeNs, size, ino } = statSync(path, { bigint: true });
    return `${mtimeNs} ${size} ${ino}`;
  } catch {
    // Half-way through a replacement, or gone: whoever reads it next says which.
    return 'missing';
  }
};

/**
 * Tells when a file has changed. It watches the folder: editors and orchestrators replace a file, and a watched file would be the
 * one that is gone.
 */
export const watchFile = ({ path, known, onChange }: WatchOptions): { close(): void } => {
  let last = known;
  let timer: NodeJS.Timeout | undefined;

  const look = (): void => {
    const now = fingerprintOf(path);
    if (now === last) return;
    last = now;
    onChange();
  };
  const lookSoon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(look, quietMs);
    timer.unref();
  };
  const watcher = openWatcher(dirname(path), lookSoon);
  const poll = setInterval(look, pollMs);
  poll.unref();
  return {
    close: () => {
      clearTimeout(timer);
      clearInterval(poll);
      watcher?.close();
    },
  };
};

/** None where the system has no more watches: polling finds it too. */
const openWatcher = (folder: string, onEvent: () => void): FSWatcher | undefined => {
  try {
    const watcher = watch(folder, { persistent: false }, onEvent);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
};
