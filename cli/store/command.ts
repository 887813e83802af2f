import { join } from 'node:path';
import { CopyRefused, copyStore, requireStoppedServers } from '@sallyport/auth/maintenance';
import type { Command } from 'commander';
import { readEnvironment } from '../environment.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { hostEnvironment, requireStoreOfFolder } from '../host-environment.ts';
import { readFolder } from '../up/data-folder.ts';
import { takeLock } from '../up/lock.ts';
import { withMaintenance } from '../users/with-maintenance.ts';
import { copiedText } from './copied-text.ts';
import { createProgressLines } from './copy-progress.ts';
import { restoredText } from './restored-text.ts';

interface RestoredOptions {
  readonly json: boolean;
  readonly yes: boolean;
}

interface CopyOptions {
  readonly from: string;
  readonly to?: string;
  readonly sessionsTo?: string;
  readonly json: boolean;
}

/** `sallyport store restored`, `sallyport store copy` */
export const addStoreCommand = (program: Command): void => {
  const store = program.command('store').description('the store as a whole');
  store
    .command('restored')
    .option('--json', 'print JSON', false)
    .option('--yes', 'it was put back, and no server works on it', false)
    .description('after a backup was put back, before any server starts: end every session and retire the signing keys')
    .action(({ json, yes }: RestoredOptions) => {
      if (!yes) throw new CommandError('Everybody will have to log in again: --yes does it.', exitCodes.usage);
      return whileStopped(async () => {
        const env = hostEnvironment(readEnvironment(process.env, '.env'));
        requireStoreOfFolder(env);
        await requireStoppedServers(env);
        await withMaintenance(async (maintenance) => {
          process.stdout.write(restoredText(await maintenance.markRestored(), json));
        });
      });
    });
  store
    .command('copy')
    .requiredOption('--from <url>', 'sqlite:<path> or postgres://…, as in DATABASE_URL')
    .option('--to <url>', 'the same; a store that no server has worked on, or that this copy has begun to fill')
    .option('--sessions-to <url>', 'a new redis://… for sessions; without --to everything else stays where it is')
    .option('--json', 'print JSON', false)
    .description(
      'copy everything into another store, with every issuer stopped; users stay logged in. Run again, it goes on',
    )
    .action((options: CopyOptions) => copy(options));
};

/** Nobody starts the folder's servers meanwhile. @throws CommandError where they run */
const whileStopped = async (work: () => Promise<void>): Promise<void> => {
  const path = readEnvironment(process.env, '.env')['SALLYPORT_DATA_DIR'] ?? 'data';
  if (readFolder(path) === undefined) return work();
  const lock = takeLock(join(path, 'lock'), new Date());
  try {
    await work();
  } finally {
    lock.release();
  }
};

/** DB_PASSWORD serves where a URL holds none: a command line can be read by everybody on the machine. */
const copy = async ({ json, ...stores }: CopyOptions): Promise<void> => {
  const env = hostEnvironment(readEnvironment(process.env, '.env'));
  const progress = createProgressLines(process.stderr, () => performance.now());
  try {
    const report = await copyStore({ ...stores, env, onProgress: progress.note });
    progress.end();
    process.stdout.write(copiedText(report, json));
  } catch (error) {
    progress.end();
    if (error instanceof CopyRefused) throw new CommandError(error.message);
    throw error;
  }
};
