import { type Command, Option } from 'commander';
import { CommandError } from '../exit-codes.ts';
import { withMaintenance } from '../users/with-maintenance.ts';
import { DrillImpossible, type DrillReport, type DrillStep, drillKeys } from './drill.ts';

interface Given {
  readonly issuer: readonly string[];
  readonly gateway: readonly string[];
  readonly token?: string;
  readonly after: number;
  readonly json: boolean;
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

const seconds = (text: string): number => {
  const value = Number(text);
  if (!/^\d{1,5}$/.test(text)) throw new CommandError('--after takes a number of seconds');
  return value;
};

const lineOf = ({ atSeconds, text }: DrillStep): string => `${atSeconds.toFixed(1).padStart(7)} s  ${text}\n`;

/** `sallyport keys drill --issuer <url> …` */
export const addDrillCommand = (keys: Command): void => {
  keys
    .command('drill')
    .description('rotate the ring and watch what issuers publish and gateways accept, until the next key signs')
    .requiredOption('--issuer <url>', 'an issuer, with its base path; may be given several times', collect)
    .option('--gateway <url>', 'a protected address behind a gateway, asked with the token; several times', collect, [])
    .addOption(new Option('--token <token>', 'an access token of now').env('DRILL_TOKEN'))
    .option('--after <seconds>', 'how long to look on once the next key signs', seconds, 5)
    .option('--json', 'print the report as JSON', false)
    .action(async ({ issuer, gateway, token, after, json }: Given) => {
      if (gateway.length > 0 && token === undefined) throw new CommandError('--gateway needs --token (or DRILL_TOKEN)');
      await withMaintenance(async (maintenance) => {
        const report = await drillKeys({
          ...{ issuers: issuer, gateways: gateway, token, afterSeconds: after, maintenance },
          onStep: (step) => void (json || process.stdout.write(lineOf(step))),
        }).catch(asCommandError);
        if (json) process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
        if (!report.passed) throw new CommandError(`the drill failed: ${report.failures.length} findings`);
        if (!json) process.stdout.write(`passed: ${report.looks} looks, nothing was refused\n`);
      });
    });
};

const asCommandError = (error: unknown): DrillReport => {
  if (error instanceof DrillImpossible) throw new CommandError(error.message);
  throw error;
};
