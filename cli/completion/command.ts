import { Argument, type Command } from 'commander';
import { completionScript, shells } from './completion-script.ts';

/** `sallyport completion <shell>` */
export const addCompletionCommand = (program: Command): void => {
  program
    .command('completion')
    .addArgument(new Argument('<shell>').choices(shells))
    .description(
      'print what completes commands and options in a shell, for example: eval "$(sallyport completion bash)"',
    )
    .action((shell: (typeof shells)[number]) => {
      process.stdout.write(completionScript(shell, program));
    });
};
