import { createProgram } from '@sallyport/cli';
import { exitCodes } from '@sallyport/cli/exit-codes';

type Command = ReturnType<typeof createProgram>;
type Argument = Command['registeredArguments'][number];
type Option = Command['options'][number];

/** `docs/generated/cli.md`: every command, from the definitions that the command line itself runs on. */
export const cliPage = (): string => {
  const program = createProgram(() => undefined);
  const leaves = leavesOf(program, []);
  return [
    '# Commands',
    '',
    'Generated from the command line’s own definitions by `npm run generate`; do not edit.',
    '',
    'In the repository `sallyport` is `npm run -s sallyport --`; installed (`@sallyport/cli`) it is `npx sallyport`. Settings come from the',
    'environment, over the `.env` of the working folder.',
    '',
    '| command | what it does |',
    '|---|---|',
    ...leaves.map(
      ({ path, command }) => `| [\`${path.join(' ')}\`](#${path.join('-')}) | ${cell(command.description())} |`,
    ),
    '',
    ...leaves.flatMap(({ path, command }) => section(path, command)),
    '## Exit codes',
    '',
    '| code | meaning |',
    '|---|---|',
    ...Object.entries(exitCodes).map(([name, code]) => `| ${code} | ${meanings[name as keyof typeof exitCodes]} |`),
    '',
  ].join('\n');
};

const meanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  done: 'done',
  failed: 'it could not be done, or does not hold (`audit verify`, `doctor`); the reason is printed',
  usage: 'an unknown command, option or argument',
  settings: 'the settings are refused; each problem is printed',
};

interface Leaf {
  readonly path: readonly string[];
  readonly command: Command;
}

/** Commands that do something; `gateway` does, and has a command below it as well. */
const leavesOf = (command: Command, above: readonly string[]): readonly Leaf[] => {
  const path = [...above, command.name()];
  const below = command.commands.flatMap((child) => leavesOf(child, path));
  return below.length === 0 || runsAlone.has(path.join(' ')) ? [{ path, command }, ...below] : below;
};

const runsAlone: ReadonlySet<string> = new Set(['sallyport gateway']);

const section = (path: readonly string[], command: Command): readonly string[] => {
  const usage = [
    ...path,
    ...command.registeredArguments.map(placeOf),
    ...(command.options.length > 0 ? ['[options]'] : []),
  ];
  const rows = [...command.registeredArguments.map(argumentRow), ...command.options.map(optionRow)];
  return [
    `## ${path.join(' ')}`,
    '',
    '```text',
    usage.join(' '),
    '```',
    '',
    `${sentence(command.description())}`,
    '',
    ...(rows.length > 0 ? ['| | | default |', '|---|---|---|', ...rows, ''] : []),
  ];
};

const placeOf = (argument: Argument): string => {
  const text = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${text}>` : `[${text}]`;
};

const argumentRow = (argument: Argument): string =>
  `| \`${inCode(placeOf(argument))}\` | ${cell(described(argument.description, argument.argChoices))} | ${defaultOf(argument.defaultValue)} |`;

const optionRow = ({ flags, description, argChoices, defaultValue }: Option): string =>
  `| \`${inCode(flags)}\` | ${cell(described(description, argChoices))} | ${defaultOf(defaultValue)} |`;

const described = (description: string, choices: readonly string[] | undefined): string =>
  choices === undefined ? description : `${description} (${choices.join(', ')})`;

/** A switch is off until it is given. */
const defaultOf = (value: unknown): string =>
  value === undefined || value === false ? '' : `\`${JSON.stringify(value).replaceAll('"', '')}\``;

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${safe(text.slice(1))}.`;

/** Within backquotes nothing is HTML. */
const inCode = (text: string): string => text.replaceAll('|', '\\|');
/** Text that neither ends a cell nor reads as HTML. */
const cell = (text: string): string => safe(text).replaceAll('|', '\\|');
const safe = (text: string): string => text.replaceAll(/<([^>`]*)>/g, '&lt;$1&gt;');
