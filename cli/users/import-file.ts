import type { Maintenance } from '@sallyport/auth/maintenance';
import { CommandError } from '../exit-codes.ts';
import { createProgress } from '../seed/progress.ts';
import { type AccountFormat, formatOf, readAccountRows } from './account-rows.ts';
import { importUsers } from './import-users.ts';

/** Refused rows that are told of one by one. */
const mostTold = 100;

/**
 * Imports a file, tells how it goes on standard error and the counts on standard output.
 * @throws CommandError where rows were refused, or the run was interrupted: everything else is in the store
 */
export const importFile = async (
  store: Pick<Maintenance, 'importUser'>,
  path: string,
  { format = formatOf(path), json }: { readonly format?: AccountFormat; readonly json: boolean },
): Promise<void> => {
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const tell = createProgress(undefined, process.stderr, () => performance.now());
  let told = 0;
  const { interrupted, ...counts } = await importUsers(store, {
    rows: readAccountRows(path, format),
    onProgress: tell,
    onRefused: (place, why) => {
      told += 1;
      if (told <= mostTold) process.stderr.write(`row ${place}: ${why}\n`);
    },
    signal: stopping.signal,
  });
  process.off('SIGINT', stop).off('SIGTERM', stop);
  const { imported, existing, refused } = counts;
  process.stdout.write(
    json ? `${JSON.stringify(counts)}\n` : `${imported} imported, ${existing} were there, ${refused} refused\n`,
  );
  if (interrupted) throw new CommandError('Interrupted: run it again, and it goes on where it was.');
  if (refused > 0) throw new CommandError(`${refused} rows were refused; the others are in the store.`);
};
