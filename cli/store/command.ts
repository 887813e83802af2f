import type { Command } from 'commander';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { withMaintenance } from '../users/with-maintenance.ts';
import { restoredText } from './restored-text.ts';

interface RestoredOptions {
  readonly json: boolean;
  readonly yes: boolean;
}

/** `sallyport store restored` */
export const addStoreCommand = (program: Command): void => {
  const store = program.command('store').description('the store as a whole');
  store
    .command('restored')
    .option('--json', 'print JSON', false)
    .option('--yes', 'it was put back, and no server works on it', false)
    .description('after a backup was put back, before any server starts: end every session and retire the signing keys')
    .action(({ json, yes }: RestoredOptions) => {
      if (!yes) throw new CommandError('Everybody will have to log in again: --yes does it.', exitCodes.usage);
      return withMaintenance(async (maintenance) => {
        process.stdout.write(restoredText(await maintenance.markRestored(), json));
      });
    });
};
