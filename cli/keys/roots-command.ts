import type { Command } from 'commander';
import { addUrlOption, type Where, withDesk } from '../desk/with-desk.ts';
import { rootsText } from './roots-text.ts';

/** `sallyport keys roots` */
export const addRootsCommand = (keys: Command): void => {
  addUrlOption(keys.command('roots'))
    .description('print what still needs which key of SALLYPORT_ROOT_KEYS, and which of them may go')
    .option('--json', 'as JSON', false)
    .action(async ({ json, ...where }: Where & { readonly json: boolean }) => {
      await withDesk(where, async (desk) => {
        const roots = await desk.listRoots();
        process.stdout.write(json ? `${JSON.stringify(roots, undefined, 2)}\n` : rootsText(roots));
      });
    });
};
