import { rootView } from '@sallyport/auth/maintenance';
import type { Command } from 'commander';
import { withMaintenance } from '../users/with-maintenance.ts';
import { rootsText } from './roots-text.ts';

/** `sallyport keys roots` */
export const addRootsCommand = (keys: Command): void => {
  keys
    .command('roots')
    .description('print what still needs which key of SALLYPORT_ROOT_KEYS, and which of them may go')
    .option('--json', 'as JSON', false)
    .action(async ({ json }: { readonly json: boolean }) => {
      await withMaintenance(async (maintenance) => {
        const roots = await maintenance.listRootKeys();
        process.stdout.write(json ? `${JSON.stringify(roots.map(rootView), undefined, 2)}\n` : rootsText(roots));
      });
    });
};
