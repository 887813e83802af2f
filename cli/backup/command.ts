import { backupStore } from '@sallyport/auth/maintenance';
import type { Command } from 'commander';
import { readEnvironment } from '../environment.ts';
import { CommandError } from '../exit-codes.ts';
import { hostEnvironment } from '../host-environment.ts';
import { backupText } from './backup-text.ts';

interface BackupOptions {
  readonly to: string;
  readonly json: boolean;
}

/** `sallyport backup` */
export const addBackupCommand = (program: Command): void => {
  program
    .command('backup')
    .requiredOption('--to <file>', 'where it goes; a file that is there is never written over')
    .option('--json', 'print JSON', false)
    .description('back the store up while issuers work on it; of PostgreSQL, print the line that does')
    .action(async ({ to, json }: BackupOptions) => {
      const env = hostEnvironment(readEnvironment(process.env, '.env'));
      const backup = await backupStore({ to, env, onProgress: progressOn(process.stderr) });
      process.stdout.write(backupText(backup, json));
      // A timer that only looks at the exit code must not believe that it has a backup.
      if (backup.kind === 'postgres') throw new CommandError('Nothing was backed up: run the line above.');
    });
};

const progressOn =
  (sink: NodeJS.WriteStream) =>
  ({ copied, total }: { readonly copied: number; readonly total: number }): void => {
    if (sink.isTTY) sink.write(`\r${copied} of ${total} pages${copied >= total ? '\n' : ''}`);
  };
