import type { Command } from 'commander';
import { withMaintenance } from '../users/with-maintenance.ts';
import { cleanupText } from './cleanup-text.ts';

/** `sallyport cleanup` */
export const addCleanupCommand = (program: Command): void => {
  program
    .command('cleanup')
    .option('--json', 'print JSON', false)
    .description('take away what is over, as the issuer does on its schedule: expired sessions, nonces, counters …')
    .action(({ json }: { readonly json: boolean }) =>
      withMaintenance(async (store) => {
        process.stdout.write(cleanupText(await store.cleanUp(), json));
      }),
    );
};
