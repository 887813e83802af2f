import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, describe, expect, it } from 'vitest';
import { createProgram } from '../sallyport.ts';
import { newFolder, removeFolders, sallyport } from '../testing/run.ts';

afterAll(removeFolders);

/** What bash offers at the end of a line, asked as it asks. */
const offered = (line: string): readonly string[] => {
  const script = join(newFolder(), 'completion.bash');
  writeFileSync(script, sallyport(['completion', 'bash']).stdout);
  const words = line.split(' ');
  const ask = `source ${script}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sallyport; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', ask, 'bash', ...words], { encoding: 'utf8' })
    .trim()
    .split('\n');
};

describe('completion', () => {
  it('offers commands, their commands, and options, by what was begun', () => {
    expect(offered('sallyport us')).toEqual(['users']);
    expect(offered('sallyport users ')).toEqual(expect.arrayContaining(['create', 'disable', 'import', 'list']));
    expect(offered('sallyport users create ada@example.org --r')).toEqual(['--role']);
    expect(offered('sallyport --env=x keys ro')).toEqual(['roots', 'rotate']);
  });

  it.each(['zsh', 'fish'])('is a script that %s reads, where there is one', (shell) => {
    const { stdout, status } = sallyport(['completion', shell]);
    expect([status, stdout.includes('users create')]).toEqual([0, true]);
    const read = spawnSync(shell, ['-n'], { input: stdout, encoding: 'utf8' });
    if (read.error === undefined) expect([read.status, read.stderr]).toEqual([0, '']);
  });

  it('knows no other shell', () => {
    expect(sallyport(['completion', 'tcsh'])).toMatchObject({ status: 2, stdout: '' });
  });
});

/** They run on until they are told to stop, print a script, or write what has a form of its own. */
const withoutJson = ['up', 'auth', 'relay', 'gateway', 'audit export', 'completion'];

const leaves = (command: Command, path: readonly string[] = []): readonly (readonly [string, Command])[] =>
  command.commands.flatMap((each) => {
    const way = [...path, each.name()];
    return each.commands.length === 0 ? [[way.join(' '), each] as const] : leaves(each, way);
  });

describe('every command', () => {
  it.each(leaves(createProgram(() => undefined)).filter(([path]) => !withoutJson.includes(path)))(
    '%s prints JSON where it is asked to',
    (_, command) => {
      expect(command.options.map(({ long }) => long)).toContain('--json');
    },
  );
});
