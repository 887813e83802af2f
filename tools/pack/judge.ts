import { join } from 'node:path';
import { installTools } from '../install-tools.ts';
import { runOrThrow } from './run-or-throw.ts';
import type { Tarball } from './tarballs.ts';

const judges = join(import.meta.dirname, 'judges');

/**
 * publint and attw on every tarball. The packages are modules and nothing else (`esm-only`): Node 24 loads those from CommonJS as well.
 * @throws Error with what a judge said
 */
export const judgeTarballs = (tarballs: readonly Tarball[]): void => {
  installTools(judges);
  const modules = join(judges, 'node_modules');
  const publint = join(modules, 'publint/src/cli.js');
  const attw = join(modules, '@arethetypeswrong/cli/dist/index.js');
  const fixed = ['--profile', 'esm-only', '--no-definitely-typed', '--no-emoji', '--no-color', '--format', 'ascii'];
  for (const { file } of tarballs) {
    runOrThrow(process.execPath, [publint, 'run', file, '--strict'], { cwd: judges });
    runOrThrow(process.execPath, [attw, file, ...fixed, '--exclude-entrypoints', ...untyped], { cwd: judges });
  }
};

/** Entries that are no code. */
const untyped = ['./servers.json', './page/base.css'];
