/**
 * `npm run check`: everything about this repository that can be said without running it. One line per part with its
 * seconds; what a failing part printed follows. The last line is `N passed, N failed`.
 * Owns: the list of parts. Never: changes a file (`npm run format` and `npm run generate` do).
 */
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { type Part, runParts } from './check/run-parts.ts';
import { tallyExitCode, tallyLine } from './tally.ts';

const root = dirname(import.meta.dirname);
const script = (path: string): string => join(root, path);
const biome = script('node_modules/@biomejs/biome/bin/biome');

/** The longest first: they decide how long the whole takes. */
const parts: readonly Part[] = [
  { name: 'types', args: [script('node_modules/typescript/bin/tsc'), '--noEmit', '--pretty', 'false'] },
  {
    name: 'typed lint',
    args: [script('node_modules/oxlint/bin/oxlint'), '--type-aware', '--deny-warnings', '--format=unix'],
  },
  { name: 'dead code', args: [script('node_modules/knip/bin/knip.js'), '--no-progress', '--no-config-hints'] },
  { name: 'lint', args: [biome, 'lint', '--error-on-warnings', '--colors=off'] },
  { name: 'format', args: [biome, 'check', '--linter-enabled=false', '--colors=off'] },
  { name: 'import rules', args: [script('tools/import-rules.ts')] },
  { name: 'generated files', args: [script('tools/generate.ts'), '--check'] },
  { name: 'pins', args: [script('tools/pins.ts')] },
  { name: 'lock file', args: [script('tools/lock-file.ts')] },
  { name: 'secrets', args: [script('tools/secrets.ts')] },
];

const outcomes = await runParts(parts, { cwd: root, atOnce: availableParallelism(), report: console.log });
const failed = outcomes.filter(({ ok }) => !ok);
for (const { name, output } of failed) console.log(`\n--- ${name}\n${output.trimEnd()}`);
const tally = { passed: outcomes.length - failed.length, failed: failed.length, skipped: 0 };
console.log(`${failed.length > 0 ? '\n' : ''}${tallyLine(tally)}`);
process.exitCode = tallyExitCode(tally);
