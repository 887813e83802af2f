import type { Command } from 'commander';
import { addUrlOption, type Where, withDesk } from '../desk/with-desk.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { type Json, jsonOption, print } from '../print.ts';
import { removedRootText, rootsText } from './roots-text.ts';

const largestKid = 65_535;

/** `sallyport keys roots`, `sallyport keys roots remove <kid>` */
export const addRootsCommand = (keys: Command): void => {
  const roots = addUrlOption(keys.command('roots'))
    .description('print what still needs which key of SALLYPORT_ROOT_KEYS, and which of them may go')
    .option('--json', 'as JSON', false)
    .action(async ({ json, ...where }: Where & { readonly json: boolean }) => {
      await withDesk(where, async (desk) => {
        const found = await desk.listRoots();
        process.stdout.write(json ? `${JSON.stringify(found, undefined, 2)}\n` : rootsText(found));
      });
    });
  addUrlOption(roots.command('remove'))
    .argument(
      '<kid>',
      'id of a root key that others may have, behind the first one in SALLYPORT_ROOT_KEYS or gone from it',
    )
    .description('end every session whose refresh token the root key derived, and seal anew what it sealed')
    .option('--yes', 'the people of these sessions will have to log in again', false)
    .option(...jsonOption)
    .action(async (kid: string, { json, yes, ...where }: Where & Json & { readonly yes: boolean }) => {
      if (!/^(0|[1-9]\d{0,4})$/.test(kid) || Number(kid) > largestKid)
        throw new CommandError(`the id of a root key is a number from 0 to ${largestKid}`, exitCodes.usage);
      if (!yes)
        throw new CommandError(
          `Whoever has a session of root key ${kid} will have to log in again: --yes does it.`,
          exitCodes.usage,
        );
      await withDesk(where, async (desk) => {
        const removed = await desk.removeRoot(kid);
        if (removed === undefined)
          throw new CommandError(
            `${kid} is the first in SALLYPORT_ROOT_KEYS: issuers derive with it. Put a new one before it on every issuer first (docs/keys.md).`,
          );
        print(json, { kid, ...removed }, removedRootText(kid, removed));
      });
    });
};
