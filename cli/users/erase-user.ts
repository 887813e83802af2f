import { createInterface } from 'node:readline/promises';
import type { Maintenance } from '@sallyport/auth/maintenance';
import { CommandError, exitCodes } from '../exit-codes.ts';

export interface EraseOptions {
  readonly delete: boolean;
  readonly yes: boolean;
}

type Store = Pick<Maintenance, 'findUsers' | 'deleteUser' | 'eraseUser'>;

/** An account deleted at this moment may have been found twice: as the live one, and then among the deleted. */
const idsOf = async (store: Store, identifier: string, options: EraseOptions) => {
  const { live, deleted } = await store.findUsers(identifier);
  if (live === undefined && deleted.length === 0) throw new CommandError(`There is no account ${identifier}.`);
  if (live !== undefined && !options.delete) {
    const others =
      deleted.length === 0 ? '' : ` Deleted ones with that identifier: ${deleted.map(({ id }) => id).join(', ')}.`;
    throw new CommandError(`The account ${identifier} (${live.id}) is live; --delete deletes it first.${others}`);
  }
  return { live: live?.id, all: [...new Set([...(live ? [live.id] : []), ...deleted.map(({ id }) => id)])] };
};

/**
 * Erases what is known of the accounts that an id or an identifier stands for: with an identifier all deleted ones that had it.
 * @throws CommandError where there is none, where one is live and `--delete` was not given, or where the answer is not yes
 */
export const eraseUser = async (
  store: Store,
  identifier: string,
  options: EraseOptions,
): Promise<readonly string[]> => {
  const { live, all } = await idsOf(store, identifier, options);
  if (!options.yes) await confirm(`Erase everything personal of ${all.join(', ')}? It cannot be undone. Type yes: `);
  if (live !== undefined) await store.deleteUser(live);
  for (const id of all) {
    const outcome = await store.eraseUser(id);
    if (outcome !== 'erased') throw new CommandError(`The account ${id} is ${outcome}; it was not erased.`);
  }
  return all;
};

const confirm = async (question: string): Promise<void> => {
  if (!process.stdin.isTTY) throw new CommandError('Nobody can be asked here: --yes erases.', exitCodes.usage);
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    if ((await prompt.question(question)).trim().toLowerCase() !== 'yes') throw new CommandError('Nothing was erased.');
  } finally {
    prompt.close();
  }
};
