import { readFileSync } from 'node:fs';
import { explainDecision, routesReport } from '@sallyport/gateway/maintenance';
import type { Command } from 'commander';
import { readEnvironment } from '../environment.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { gatewayEnvironment } from '../host-environment.ts';
import { explanationText } from './explanation-text.ts';
import { routesText } from './routes-text.ts';

interface ExplainOptions {
  readonly token?: string;
  readonly claims?: string;
  readonly header: readonly string[];
  readonly address: string;
  readonly json: boolean;
}

const settingsInput = () => ({ env: gatewayEnvironment(readEnvironment(process.env, '.env')) });
const print = (text: string): void => void process.stdout.write(`${text}\n`);

const checkRoutes = async (path: string | undefined, { json }: { readonly json: boolean }): Promise<number> => {
  const report = await routesReport(settingsInput(), path);
  print(json ? JSON.stringify(report, null, 2) : routesText(report));
  return report.problems.length > 0 ? exitCodes.failed : exitCodes.done;
};

/** A header line as it is written in HTTP. */
const headerLine = (line: string): readonly [string, string] => {
  const colon = line.indexOf(':');
  if (colon <= 0) throw new CommandError(`--header ${line}: must be "Name: value"`, exitCodes.usage);
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
};

const claimsOf = (text: string): Readonly<Record<string, unknown>> => {
  try {
    const claims: unknown = JSON.parse(text);
    if (typeof claims === 'object' && claims !== null && !Array.isArray(claims)) return { ...claims };
  } catch {
    throw new CommandError('--claims: must be JSON, for example {"roles": ["admin"]}', exitCodes.usage);
  }
  throw new CommandError('--claims: must be a JSON object', exitCodes.usage);
};

/** An argument can be read by every process of the machine, and by whoever reads the shell's history. */
const tokenOf = (file: string): string => {
  if (/^ey[\w-]+\.[\w-]+\./.test(file)) {
    throw new CommandError('--token: name the file that holds the token, or - for standard input', exitCodes.usage);
  }
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8').trim();
  } catch {
    throw new CommandError(`--token: ${file} cannot be read`);
  }
};

const callerOf = ({ token, claims }: ExplainOptions) => {
  if (token !== undefined && claims !== undefined) {
    throw new CommandError('--token and --claims: give one', exitCodes.usage);
  }
  if (token !== undefined) return { kind: 'token', token: tokenOf(token) } as const;
  return claims === undefined ? ({ kind: 'nobody' } as const) : ({ kind: 'claims', claims: claimsOf(claims) } as const);
};

const explain = async (method: string, url: string, options: ExplainOptions): Promise<void> => {
  const headers = options.header.flatMap(headerLine);
  const request = { method: method.toUpperCase(), url, headers, address: options.address };
  const explanation = await explainDecision(settingsInput(), request, callerOf(options));
  print(options.json ? JSON.stringify(explanation, null, 2) : explanationText(explanation));
};

const collect = (line: string, before: readonly string[]): readonly string[] => [...before, line];

/** `sallyport routes check [file]` and `sallyport explain <method> <url>` */
export const addRoutesCommand = (program: Command, finish: (exitCode: number) => void): void => {
  program
    .command('routes')
    .description("the gateway's routes")
    .command('check')
    .argument('[file]', 'a route file; default: GATEWAY_ROUTES_FILE, else the routes of the preset')
    .option('--json', 'print JSON', false)
    .description(
      'print the table, and everything that is wrong with it or worth a look; exit code 1 where it cannot be used',
    )
    .action(async (file: string | undefined, options: { readonly json: boolean }) =>
      finish(await checkRoutes(file, options)),
    );
  program
    .command('explain')
    .argument('<method>', 'GET, POST, …')
    .argument('<url>', 'for example http://localhost:8080/api/v1/users/profile, or the path alone')
    .option('--token <file>', 'an access token in a file; - for standard input')
    .option('--claims <json>', 'claims of a token that would be good, for example {"roles": ["admin"]}')
    .option('--header <line>', 'a further header, "Name: value"; may be repeated', collect, [])
    .option('--address <address>', "the client's address", '127.0.0.1')
    .option('--json', 'print JSON', false)
    .description(
      'print what the gateway would do with a request, step by step, and what would go out; no server is asked',
    )
    .action(explain);
};
