import { expect, test } from 'vitest';
import { runParts } from './run-parts.ts';

const code = (text: string) => ['-e', text];

test('every part runs and says how it ended, also after one failed', async () => {
  const lines: string[] = [];
  const outcomes = await runParts(
    [
      { name: 'good', args: code('console.log("fine")') },
      { name: 'bad', args: code('console.error("why"); process.exit(3)') },
      { name: 'killed', args: code('process.kill(process.pid, "SIGKILL")') },
      { name: 'last', args: code('') },
    ],
    { cwd: import.meta.dirname, atOnce: 2, report: (line) => lines.push(line) },
  );
  expect(outcomes.map(({ name, ok }) => [name, ok])).toEqual([
    ['good', true],
    ['bad', false],
    ['killed', false],
    ['last', true],
  ]);
  expect(outcomes[1]?.output).toBe('why\n\n(exit code 3)');
  expect(outcomes[2]?.output).toContain('SIGKILL');
  expect(lines.sort().map((line) => line.replace(/\d+\.\d/, '0.0'))).toEqual([
    'bad      0.0 s  FAILED',
    'good     0.0 s  ok',
    'killed   0.0 s  FAILED',
    'last     0.0 s  ok',
  ]);
});
