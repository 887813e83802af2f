import type { Command } from 'commander';
import { readEnvironment } from '../environment.ts';
import { presets } from './presets.ts';
import { up } from './up.ts';

/** `sallyport up [preset]` */
export const addUpCommand = (program: Command, finish: (exitCode: number) => void): void => {
  program
    .command('up')
    .argument('[preset]', `whose example is run: ${Object.keys(presets).join(', ')}`, 'microservices')
    .option('--verbose', "print every line of the servers' logs")
    .description("run a preset's servers under one supervisor until Ctrl-C")
    .action(async (preset: string, { verbose = false }: { verbose?: boolean }) => {
      const env = readEnvironment(process.env, '.env');
      finish(await up({ preset, env, verbose, print: (line) => process.stdout.write(`${line}\n`) }));
    });
};
