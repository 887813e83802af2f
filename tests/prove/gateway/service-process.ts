import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../testing/free-ports.ts';

const entry = fileURLToPath(new URL('small-service.ts', import.meta.url));

export interface ServiceProcess {
  readonly url: string;
  /** SIGKILL: no connection is closed by anybody but the system. */
  kill(): Promise<void>;
  /** On the same port. */
  restart(): Promise<void>;
}

export const startServiceProcess = async (): Promise<ServiceProcess> => {
  const port = await freePort();
  let child: ChildProcess | undefined;
  const restart = async (): Promise<void> => {
    child = fork(entry, [String(port)]);
    await once(child, 'message');
  };
  await restart();
  return {
    url: `http://127.0.0.1:${port}`,
    kill: async () => {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
    restart,
  };
};
