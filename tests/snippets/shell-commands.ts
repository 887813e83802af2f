/** Which commands of `sallyport` a shell snippet gives, held against the command line's own definitions. */
import { createProgram } from '@sallyport/cli';

type Command = ReturnType<typeof createProgram>;

/** Joined lines, without comments that stand at a line's end. */
const linesOf = (code: string): readonly string[] =>
  code
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.replace(/(^|\s)#\s.*$/, ''));

/** At the place of a command: behind `npm run`, `npx`, or by its own name, where nothing but settings stands before it. */
const call =
  /(?:npm run (?:-s )?sallyport --|npx sallyport|(?<=(?:^|[;(])\s*(?:[A-Z_]+=\S+\s+)*)sallyport)(?= )((?:'[^']*'|"[^"]*"|\$\([^)]*\)|<[a-z ]+>|[^;|&<>()'"])*)/g;

/** What is wrong with the commands in it: unknown commands and options. */
export const unknownCommands = (code: string): readonly string[] =>
  linesOf(code).flatMap((line) =>
    [...line.matchAll(call)].flatMap(([, args = '']) => {
      const words = args.match(/<[a-z ]+>|(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? [];
      const problem = problemOf(
        createProgram(() => undefined),
        words,
      );
      return problem === undefined ? [] : [`sallyport ${words.join(' ')}: ${problem}`];
    }),
  );

const problemOf = (program: Command, words: readonly string[]): string | undefined => {
  let command = program;
  const rest = [...words];
  for (;;) {
    const next = command.commands.find((child) => child.name() === rest[0]);
    if (next === undefined) break;
    command = next;
    rest.shift();
  }
  const [first] = rest;
  if (command.commands.length > 0 && first !== undefined && !first.startsWith('-')) return `there is no ${first}`;
  const known = new Set(['--help', '--version', ...command.options.flatMap(({ long, short }) => [long, short])]);
  const unknown = rest.filter((word) => /^--?[a-z]/.test(word)).map((word) => word.split('=')[0] ?? word);
  const wrong = unknown.find((word) => !known.has(word));
  return wrong === undefined ? undefined : `${command.name()} has no ${wrong}`;
};
