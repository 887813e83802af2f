import type { Command } from 'commander';
import { type Json, jsonOption, print } from '../print.ts';
import { withMaintenance } from '../users/with-maintenance.ts';

const names = { sqlite: 'SQLite', postgres: 'PostgreSQL' } as const;

/** `sallyport migrate` */
export const addMigrateCommand = (program: Command): void => {
  program
    .command('migrate')
    .description(
      "bring the store's schema up to date, as every issuer does when it starts; for a step of its own before a roll-out",
    )
    .option(...jsonOption)
    .action(({ json }: Json) =>
      withMaintenance(async ({ schema }) => {
        const { driver, version, applied } = schema;
        const done =
          applied.length === 0 ? 'Nothing was to be done.' : `Applied:\n${applied.map((one) => `  ${one}`).join('\n')}`;
        print(json, schema, `${names[driver]} has schema ${version}. ${done}\n`);
      }),
    );
};
