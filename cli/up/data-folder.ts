import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { makeFolder } from '@sallyport/storage/make-folder';
import { CommandError } from '../exit-codes.ts';
import { takeLock } from './lock.ts';

/** Version of what lies in the folder and where. */
const folderVersion = 1;

export interface DataFolder {
  /** Absolute. */
  readonly path: string;
  readonly secrets: string;
  readonly logs: string;
  /** True where the supervisor before this one was killed. */
  readonly takenOver: boolean;
  /** The preset that was started on the folder before this one, where it was another. */
  readonly sharedWith: string | undefined;
  readonly release: () => void;
}

/** Makes the folder where it is missing, and locks it. @throws CommandError */
export const openDataFolder = (given: string, preset: string, now: Date, store: FolderStore = 'own'): DataFolder => {
  const path = resolve(given);
  const folder = { path, secrets: join(path, 'secrets'), logs: join(path, 'logs') };
  for (const made of Object.values(folder)) makeOrRefuse(made);
  checkFolder(path);
  const lock = takeLock(join(path, 'lock'), now);
  const before = readFolder(path)?.preset;
  writeFileSync(join(path, 'folder.json'), `${JSON.stringify({ version: folderVersion, preset, store })}\n`);
  return { ...folder, ...lock, sharedWith: before === preset ? undefined : before };
};

const makeOrRefuse = (path: string): void => {
  try {
    makeFolder(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown error';
    throw new CommandError(
      `The data folder cannot be made: ${reason}. Name a folder that you may write to: SALLYPORT_DATA_DIR=<folder>`,
    );
  }
};

/** Where the accounts of a folder's servers stand: in the folder, or in a database that the settings name. */
export type FolderStore = 'own' | 'named';

export interface FolderNote {
  readonly version: number;
  readonly preset: string;
  /** Absent in a folder of an earlier version. */
  readonly store?: FolderStore;
}

/** What a folder says of itself; `undefined` where nothing was ever started on it. */
export const readFolder = (path: string): FolderNote | undefined => {
  const file = join(path, 'folder.json');
  if (!existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, 'utf8')) as FolderNote;
};

const checkFolder = (path: string): void => {
  const version = readFolder(path)?.version ?? folderVersion;
  if (version === folderVersion) return;
  throw new CommandError(
    `${path} is a data folder of version ${version}; this Sallyport knows version ${folderVersion}.`,
  );
};
