import type { Environment } from '@sallyport/example-kit/environment';
import { type RunningServer, runServer } from '@sallyport/example-kit/run';
import { type AppParts, createApp, type ServiceApp } from './app.ts';
import { type Listener, listen } from './listen.ts';
import { createMetrics } from './metrics.ts';
import { createPrivateApp } from './private-app.ts';
import { readServiceSettings, type ServiceSettings } from './settings.ts';

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

/** Starts a service in this process, without touching the process itself. */
export const startService = async (definition: ServiceDefinition, env: Environment): Promise<RunningServer> => {
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

/** The whole of a `main.ts`. */
export const runService = (definition: ServiceDefinition): void =>
  runServer(definition.name, (env) => startService(definition, env));
