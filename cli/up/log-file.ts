import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';

export interface LogFile {
  write(chunk: Uint8Array): void;
  close(): void;
}

/** Appends to `file`; past `limitBytes` (10 MB) it becomes `<file>.1`, the one before that is gone. */
export const openLogFile = (file: string, limitBytes = 10_000_000): LogFile => {
  const open = () => openSync(file, 'a', 0o600);
  let descriptor = open();
  let size = fstatSync(descriptor).size;
  const turnOver = (): void => {
    closeSync(descriptor);
    renameSync(file, `${file}.1`);
    descriptor = open();
    size = 0;
  };
  return {
    write: (chunk) => {
      if (size > 0 && size + chunk.length > limitBytes) turnOver();
      size += writeSync(descriptor, chunk);
    },
    close: () => closeSync(descriptor),
  };
};
