import { randomBytes } from 'node:crypto';
import { type Command, InvalidArgumentError } from 'commander';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { withMaintenance } from '../users/with-maintenance.ts';
import { createProgress } from './progress.ts';
import { seededText } from './seeded-text.ts';

interface SeedOptions {
  readonly users: number;
  readonly yes: boolean;
  readonly json: boolean;
}

/** `sallyport seed` */
export const addSeedCommand = (program: Command): void => {
  program
    .command('seed')
    .requiredOption('--users <number>', 'how many numbered accounts there are to be afterwards, a session each', count)
    .option('--yes', 'also where the store holds accounts of people', false)
    .option('--json', 'print JSON', false)
    .description('fill a store for tests of scale; a run that was cut off is taken up where it ended')
    .action(({ users, yes, json }: SeedOptions) =>
      withMaintenance(async (store) => {
        if (!yes && (await store.hasPeople()))
          throw new CommandError(
            'The store holds accounts that no seed has made; nothing was added. --yes adds all the same.',
            exitCodes.failed,
          );
        const password = randomBytes(18).toString('base64url');
        const progress = createProgress(users, process.stderr, () => performance.now());
        const seeded = await store.seed({ users, password, onProgress: progress });
        process.stdout.write(seededText({ ...seeded, password }, json));
      }),
    );
};

const maxUsers = 100_000_000;

const count = (text: string): number => {
  const number = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number <= maxUsers)) throw new InvalidArgumentError('a number from 1 to 100,000,000 is expected');
  return number;
};
