import { type Environment, refusalText, SettingsError } from './config.ts';
import { createLog, type Log } from './log.ts';

export interface ServerInput {
  /** A frozen copy of the process environment. */
  readonly env: Environment;
  /** The `.env` of the working folder; it need not exist. */
  readonly envFile: string;
}

export interface RunningServer {
  /** Where it can be reached, by name: `public`, `private`. */
  readonly urls: Readonly<Record<string, string>>;
  /** Reads again what can change while it runs: SIGHUP. Without it SIGHUP ends the process, as the system has it. */
  readonly reload?: () => void;
  /** Graceful stop. Called once. */
  readonly stop: () => Promise<void>;
}

/** What a supervisor reads on the channel. */
export interface ReadyMessage {
  readonly type: 'ready';
  readonly urls: Readonly<Record<string, string>>;
}

const exitCodes = { graceful: 0, failed: 1, settings: 78 } as const;
const stopLimitMs = 10_000;
/** Ctrl-C reaches a process from the terminal and again through npm: the second signal means nothing, the third is impatience. */
const forcingSignal = 3;

/**
 * Runs a server until SIGTERM, SIGINT or the loss of the supervisor's channel, then stops it within 10 s. Exit code 0 after
 * a graceful stop, 78 (sysexits EX_CONFIG) when the settings are refused, one problem a line on standard error, 1 otherwise.
 */
export const runServer = (
  start: (input: ServerInput) => Promise<RunningServer>,
  { name }: { readonly name: string },
): void => {
  const log = createLog({ name, level: 'info' });
  exitOnFaults(log);
  // One step later: the signals are listened for before anything starts, and a start that throws at once is a rejection.
  const started = Promise.resolve().then(() => start({ env: Object.freeze({ ...process.env }), envFile: '.env' }));
  stopWhenTold(started, log);
  started
    .then((server) => {
      reloadWhenTold(server, log);
      announce(server, log);
    })
    .catch((error: unknown) => refuseStart(error, log, name));
};

const announce = ({ urls }: RunningServer, log: Log): void => {
  log.info({ urls }, 'ready');
  if (!process.connected) return;
  const message: ReadyMessage = { type: 'ready', urls };
  // A supervisor that is gone is seen as 'disconnect'.
  process.send?.(message, undefined, undefined, () => undefined);
};

const reloadWhenTold = ({ reload }: RunningServer, log: Log): void => {
  if (reload === undefined) return;
  process.on('SIGHUP', () => {
    log.info({ reason: 'SIGHUP' }, 'reloading');
    reload();
  });
};

const refuseStart = (error: unknown, log: Log, name: string): never => {
  if (error instanceof SettingsError) {
    process.stderr.write(refusalText(error));
    process.exit(exitCodes.settings);
  }
  log.fatal({ err: error }, 'start failed');
  process.stderr.write(`${name} could not start: ${error instanceof Error ? error.message : 'unknown error'}\n`);
  process.exit(exitCodes.failed);
};

const exitOnFaults = (log: Log): void => {
  const exitOnFault = (kind: string) => (error: unknown) => {
    log.fatal({ err: error }, kind);
    process.exit(exitCodes.failed);
  };
  process.on('unhandledRejection', exitOnFault('unhandled rejection'));
  process.on('uncaughtException', exitOnFault('uncaught exception'));
};

const stopWhenTold = (started: Promise<RunningServer>, log: Log): void => {
  let signals = 0;
  let stopping = false;
  const stop = (reason: string): void => {
    if (stopping) return;
    stopping = true;
    log.info({ reason }, 'stopping');
    void stopAndExit(started, log);
  };
  const onSignal = (signal: string): void => {
    signals += 1;
    if (signals >= forcingSignal) process.exit(exitCodes.failed);
    stop(signal);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  process.on('disconnect', () => stop('supervisor gone'));
  // The listener above would hold the channel open, and with it a process that has nothing left to do.
  process.channel?.unref();
};

const stopAndExit = async (started: Promise<RunningServer>, log: Log): Promise<void> => {
  setTimeout(() => {
    log.error({ stopLimitMs }, 'stop took too long');
    process.exit(exitCodes.failed);
  }, stopLimitMs).unref();
  const server = await started.catch(() => undefined);
  // A start that failed meanwhile is reported by `refuseStart`, which exits with its code.
  if (server === undefined) return;
  try {
    await server.stop();
    log.info('stopped');
    process.exit(exitCodes.graceful);
  } catch (error) {
    log.error({ err: error }, 'stop failed');
    process.exit(exitCodes.failed);
  }
};
