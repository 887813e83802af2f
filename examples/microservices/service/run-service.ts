import { type AppParts, createApp, type ServiceApp } from './app.ts';
import { type Listener, listen } from './listen.ts';
import { createMetrics } from './metrics.ts';
import { createPrivateApp } from './private-app.ts';
import {
  type Environment,
  readEnvironment,
  readServiceSettings,
  type ServiceSettings,
  SettingsError,
} from './settings.ts';

/** A service's own part: its routes and what it holds open. */
export interface ServiceParts {
  /** Adds the routes; all of them are guarded. */
  readonly routes: (app: ServiceApp) => void;
  /** Routes for other services on the private listener. The service guards them itself. */
  readonly privateRoutes?: (app: ServiceApp) => void;
  readonly isReady: () => boolean;
  readonly close: () => Promise<void> | void;
}

export interface ServiceDefinition {
  readonly name: string;
  readonly port: number;
  /** Opens what the service needs. May throw `SettingsError`. */
  readonly open: (settings: ServiceSettings, env: Environment) => ServiceParts;
}

export interface RunningService {
  readonly urls: { readonly public: string; readonly private: string };
  stop(): Promise<void>;
}

/** exit codes: 78 is EX_CONFIG of sysexits, a supervisor does not try again. */
const exitCodes = { graceful: 0, failed: 1, settings: 78 } as const;
const stopLimitMs = 8_000;

/** Starts a service in this process, without touching the process itself. */
export const startService = async (definition: ServiceDefinition, env: Environment): Promise<RunningService> => {
  const { name } = definition;
  const settings = readServiceSettings(env, definition.port);
  const parts = definition.open(settings, env);
  const appParts: AppParts = { name, settings, metrics: createMetrics(name), isReady: parts.isReady };
  const listeners: Listener[] = [];
  try {
    const app = await createApp(appParts);
    parts.routes(app);
    const privateApp = createPrivateApp(appParts);
    parts.privateRoutes?.(privateApp);
    await Promise.all([app.ready(), privateApp.ready()]);
    listeners.push(await listen(app.routing, settings.hosts, settings.port, settings.tls));
    listeners.push(await listen(privateApp.routing, settings.privateHosts, settings.privatePort, settings.tls));
  } catch (error) {
    await stopAll(listeners, parts);
    throw error;
  }
  const origin = `${settings.tls === undefined ? 'http' : 'https'}://localhost`;
  const urls = { public: `${origin}:${settings.port}`, private: `${origin}:${settings.privatePort}` };
  return { urls, stop: () => stopAll(listeners, parts) };
};

const stopAll = async (listeners: readonly Listener[], parts: ServiceParts): Promise<void> => {
  await Promise.all(listeners.map((listener) => listener.close()));
  await parts.close();
};

/** The whole of a `main.ts`: runs until SIGTERM, Ctrl-C or the loss of the supervisor's channel, then stops gracefully. */
export const runService = (definition: ServiceDefinition): void => {
  const started = Promise.resolve().then(() => startService(definition, readEnvironment(process.env, '.env')));
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
  started.then(announce).catch((error: unknown) => refuseStart(definition.name, error));
};

const announce = ({ urls }: RunningService): void => {
  // A supervisor that is gone is seen as 'disconnect'.
  if (process.connected) process.send?.({ type: 'ready', urls }, undefined, undefined, () => undefined);
};

const refuseStart = (name: string, error: unknown): never => {
  const message = error instanceof Error ? error.message : 'unknown error';
  process.stderr.write(error instanceof SettingsError ? `${message}\n` : `${name} could not start: ${message}\n`);
  process.exit(error instanceof SettingsError ? exitCodes.settings : exitCodes.failed);
};

const stopAndExit = async (started: Promise<RunningService>): Promise<void> => {
  setTimeout(() => process.exit(exitCodes.failed), stopLimitMs).unref();
  // A start that failed meanwhile is reported by `refuseStart`.
  const service = await started.catch(() => undefined);
  await service?.stop();
  process.exit(exitCodes.graceful);
};
