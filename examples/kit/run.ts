import { type Environment, readEnvironment, SettingsError } from './environment.ts';

export interface RunningServer {
  readonly urls: { readonly public: string; readonly private: string };
  stop(): Promise<void>;
}

/** 78 is EX_CONFIG of sysexits: a supervisor does not try again. */
const exitCodes = { graceful: 0, failed: 1, settings: 78 } as const;
const stopLimitMs = 8_000;

/**
 * The whole of a `main.ts`: runs until SIGTERM, Ctrl-C or the loss of the supervisor's channel, then stops gracefully.
 * @param name what is said to have failed, for example `the page`
 */
export const runServer = (name: string, start: (env: Environment) => Promise<RunningServer>): void => {
  const started = Promise.resolve().then(() => start(readEnvironment(process.env, '.env')));
  let isStopping = false;
  const stop = (): void => {
    // Ctrl-C may arrive from the terminal and once more from whoever started us: one wish.
    if (isStopping) return;
    isStopping = true;
    void stopAndExit(started);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'disconnect']) process.on(signal, stop);
  // The listener above would hold the channel open, and with it a process that has nothing left to do.
  process.channel?.unref();
  started.then(({ urls }) => announce(name, urls)).catch((error: unknown) => refuseStart(name, error));
};

const announce = (name: string, urls: RunningServer['urls']): void => {
  // A supervisor that is gone is seen as 'disconnect'.
  if (process.connected) process.send?.({ type: 'ready', urls }, undefined, undefined, () => undefined);
  else process.stdout.write(`${name} is at ${urls.public}\n`);
};

const refuseStart = (name: string, error: unknown): never => {
  const message = error instanceof Error ? error.message : 'unknown error';
  process.stderr.write(error instanceof SettingsError ? `${message}\n` : `${name} could not start: ${message}\n`);
  process.exit(error instanceof SettingsError ? exitCodes.settings : exitCodes.failed);
};

const stopAndExit = async (started: Promise<RunningServer>): Promise<void> => {
  setTimeout(() => process.exit(exitCodes.failed), stopLimitMs).unref();
  // A start that failed meanwhile is reported by `refuseStart`.
  const server = await started.catch(() => undefined);
  await server?.stop();
  process.exit(exitCodes.graceful);
};
