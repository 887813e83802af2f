/** A disk of a few megabytes for tests of a full one: a tmpfs, which only somebody who may mount can have. */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SmallDisk {
  /** Leaves no byte free. */
  fill(): void;
  /** Gives back what `fill` has taken. */
  free(): void;
  unmount(): void;
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export const mountSmallDisk = (
  folder: string,
  megabytes: number,
  { uid, gid }: Owner = { uid: 0, gid: 0 },
): SmallDisk => {
  const options = `size=${megabytes}m,uid=${uid},gid=${gid},mode=0700`;
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'pipe' });
  const ballast = join(folder, 'ballast');
  return {
    fill: () => {
      const file = openSync(ballast, 'a');
      try {
        for (const size of [1 << 20, 4096, 1]) writeUntilFull(file, Buffer.alloc(size));
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(ballast, { force: true }),
    unmount: () => void execFileSync('umount', ['-l', folder], { stdio: 'pipe' }),
  };
};

const writeUntilFull = (file: number, piece: Buffer): void => {
  try {
    for (;;) writeSync(file, piece);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
};

/** Whether a test that needs one has to be skipped: nothing that could be installed would give the right. */
export const maySmallDisksNotBeMounted = (): boolean => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-disk-'));
  const mounted =
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' }).status === 0;
  if (mounted) spawnSync('umount', [folder], { stdio: 'ignore' });
  else process.stderr.write('MISSING: the right to mount: full disks are not tested\n');
  rmdirSync(folder);
  return !mounted;
};
