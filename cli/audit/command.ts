import { closeSync, openSync, writeSync } from 'node:fs';
import {
  type AuditMaintenance,
  auditView,
  type GivenFilter,
  longestPage,
  openAuditTrail,
  readFilter,
} from '@sallyport/auth/maintenance';
import { type Command, Option } from 'commander';
import { readEnvironment } from '../environment.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { hostEnvironment, requireStoreOfFolder } from '../host-environment.ts';
import { type Json, jsonOption, print } from '../print.ts';
import { csvHead, csvLine, recordText, verifyText } from './audit-text.ts';

const withTrail = async (work: (trail: AuditMaintenance) => Promise<void>): Promise<void> => {
  const env = hostEnvironment(readEnvironment(process.env, '.env'));
  requireStoreOfFolder(env);
  const trail = await openAuditTrail(env);
  try {
    await work(trail);
  } finally {
    await trail.close();
  }
};

interface FilterOptions {
  readonly user?: string;
  readonly type?: string;
  readonly address?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit?: string;
}

const withFilter = (command: Command): Command =>
  command
    .option('--user <id>', 'of this user')
    .option('--type <event type>', 'of this type: login, login_failed, refresh, revoke …')
    .option('--address <ip>', 'from this address')
    .option('--since <time>', 'from this time on: 2026-11-28 or 2026-11-28T12:00:00Z')
    .option('--until <time>', 'before this time');

/** Reads on, page by page, until `limit` records were given or there are no more. */
const eachRecord = async (
  trail: AuditMaintenance,
  { user, type, address, since, until }: FilterOptions,
  limit: number,
  show: (view: ReturnType<typeof auditView>) => void,
): Promise<number> => {
  const given: GivenFilter = {
    ...(user !== undefined && { user }),
    ...(type !== undefined && { type }),
    ...(address !== undefined && { address }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
  };
  let shown = 0;
  for (let before: string | undefined; shown < limit; ) {
    const size = Math.min(longestPage, limit - shown);
    const read = readFilter({ ...given, limit: String(size), ...(before !== undefined && { before }) });
    if ('wrong' in read) throw new CommandError(`--${read.wrong} ${read.because}`, exitCodes.usage);
    const records = await trail.list(read.filter);
    for (const record of records) show(auditView(record));
    shown += records.length;
    if (records.length < size) break;
    before = records.at(-1)?.effectId;
  }
  return shown;
};

const countOf = (text: string): number => {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new CommandError('--limit is a number from 1 on', exitCodes.usage);
  return Number(text);
};

/** `sallyport audit verify | list | export | key` */
export const addAuditCommand = (program: Command): void => {
  const audit = program.command('audit').description('the audit trail: verify it, list it, export it');
  audit
    .command('verify')
    .option('--checkpoints <file>', 'the second copy of the checkpoints; default: as the issuer writes it')
    .option('--json', 'print JSON', false)
    .description(
      'find an edit, a deletion, another order or a tail that was cut off; exit code 1, and the first bad record is named',
    )
    .action(({ checkpoints, json }: { readonly checkpoints?: string; readonly json: boolean }) =>
      withTrail(async (trail) => {
        const report = await trail.verify(checkpoints);
        process.stdout.write(json ? `${JSON.stringify(report)}\n` : verifyText(report));
        if (!report.passed) throw new CommandError('the audit trail does not hold', exitCodes.failed);
      }),
    );
  withFilter(audit.command('list'))
    .option('--limit <number>', 'how many at most', '100')
    .option('--json', 'print one JSON object a line', false)
    .description('list records, newest first')
    .action((options: FilterOptions & { readonly limit: string; readonly json: boolean }) =>
      withTrail(async (trail) => {
        await eachRecord(trail, options, countOf(options.limit), (view) =>
          process.stdout.write(options.json ? `${JSON.stringify(view)}\n` : recordText(view)),
        );
      }),
    );
  withFilter(audit.command('export'))
    .addOption(new Option('--format <name>', 'how').choices(['jsonl', 'csv']).default('jsonl'))
    .option('--out <file>', 'a new file, mode 0600; default: standard output')
    .description('write all records that fit, newest first')
    .action((options: FilterOptions & { readonly format: 'jsonl' | 'csv'; readonly out?: string }) =>
      withTrail(async (trail) => {
        const isCsv = options.format === 'csv';
        const out = openOut(options.out);
        try {
          if (isCsv) out.write(csvHead);
          const written = await eachRecord(trail, options, Number.MAX_SAFE_INTEGER, (view) =>
            out.write(isCsv ? csvLine(view) : `${JSON.stringify(view)}\n`),
          );
          process.stderr.write(`${written} records\n`);
        } finally {
          out.close();
        }
      }),
    );
  audit
    .command('key')
    .description('print the public key of the checkpoints, for whoever checks them elsewhere')
    .option(...jsonOption)
    .action(({ json }: Json) =>
      withTrail(async (trail) => print(json, { publicKey: trail.publicKey() }, trail.publicKey())),
    );
};

interface Out {
  write(text: string): void;
  close(): void;
}

const openOut = (path: string | undefined): Out => {
  if (path === undefined) return { write: (text) => void process.stdout.write(text), close: () => undefined };
  try {
    const file = openSync(path, 'wx', 0o600);
    return { write: (text) => void writeSync(file, text), close: () => closeSync(file) };
  } catch (error) {
    throw new CommandError(`${path} cannot be made: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`);
  }
};
