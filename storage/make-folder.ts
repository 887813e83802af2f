import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes a folder and those above it, for this user alone; one that is there stays as it is. Not `mkdirSync` with `recursive`: that never
 * returns where a file system has no such folder and makes none either, as below /proc.
 * @throws the error of the system, which names the folder
 */
export const makeFolder = (path: string): void => {
  const folder = resolve(path);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return;
    const isParentMissing = (error as NodeJS.ErrnoException).code === 'ENOENT' && !existsSync(dirname(folder));
    if (!isParentMissing) throw error;
    makeFolder(dirname(folder));
    makeFolder(folder);
  }
};
