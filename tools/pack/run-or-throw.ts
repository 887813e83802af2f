import { spawnSync } from 'node:child_process';

const maxOutputBytes = 64 * 1024 * 1024;

/** Runs to the end and returns what was printed on standard output. @throws Error with all that was printed, where it fails */
export const runOrThrow = (
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): string => {
  const { status, stdout, stderr, error } = spawnSync(command, [...args], {
    ...options,
    encoding: 'utf8',
    maxBuffer: maxOutputBytes,
  });
  if (error !== undefined) throw error;
  if (status === 0) return stdout;
  throw new Error(`${[command, ...args].join(' ')} ended with ${status}\n${stdout}${stderr}`);
};
