import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../environment.ts';

/** A server's process. Standard output and error are pipes; the channel tells it when its supervisor is gone. */
export type ServerProcess = ChildProcess & {
  readonly stdout: NonNullable<ChildProcess['stdout']>;
  readonly stderr: NonNullable<ChildProcess['stderr']>;
};

/**
 * It leads a process group of its own: a terminal's Ctrl-C reaches the supervisor alone, which stops the servers in order,
 * and what a server started itself can be ended with it.
 */
export const spawnServer = (entry: string, env: Environment): ServerProcess =>
  spawn(process.execPath, [fileURLToPath(import.meta.resolve(entry))], {
    env,
    detached: process.platform !== 'win32',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  }) as ServerProcess;

/** Kills the process and what is left of its group. */
export const killGroup = ({ pid }: ChildProcess): void => {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch (error) {
    // ESRCH: nobody is left. EPERM: on macOS, only zombies are left.
    if (!(error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM'))) throw error;
  }
};
