import { resolve } from 'node:path';
import { SettingsError } from '@sallyport/kit/config';
import type { Log } from '@sallyport/kit/log';
import { fingerprintOf, watchFile } from '@sallyport/kit/watch-file';
import type { GatewaySettings } from '../config.ts';
import type { GatewayMetrics } from '../metrics.ts';
import { readRules } from './effective-rules.ts';
import { createRouteReloader, type RouteAdopter } from './reload-routes.ts';

export interface FollowOptions {
  readonly source: RouteAdopter;
  readonly metrics: Pick<GatewayMetrics, 'watchRoutes'>;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
}

export interface OpenRoutes {
  /** With the services and routes that are to be in force first. */
  readonly settings: GatewaySettings;
  /** Reads the route file again whenever it changes, or is told to. Undefined: there is none. */
  follow(options: FollowOptions): { readonly reload: () => void; close(): void } | undefined;
}

const withoutFile = (settings: GatewaySettings): OpenRoutes => ({ settings, follow: () => undefined });

/**
 * Reads the route file of the settings, if they name one.
 * @throws SettingsError with everything that is wrong with it
 */
export const openRoutes = async (settings: GatewaySettings): Promise<OpenRoutes> => {
  if (settings.routesFile === undefined) return withoutFile(settings);
  const path = resolve(settings.routesFile);
  const known = fingerprintOf(path);
  const first = await readRules(settings, path);
  if (first.rules === undefined) {
    throw new SettingsError(first.problems.map((problem) => ({ setting: 'GATEWAY_ROUTES_FILE', problem })));
  }
  const follow: OpenRoutes['follow'] = ({ source, metrics, log }) => {
    for (const warning of first.warnings) log.warn({ warning }, 'route file');
    const reloader = createRouteReloader({ read: () => readRules(settings, path), source, log });
    metrics.watchRoutes(reloader);
    const watcher = watchFile({ path, known, onChange: () => void reloader.reload('changed') });
    return { reload: () => void reloader.reload('told'), close: watcher.close };
  };
  return Object.freeze({ settings: Object.freeze({ ...settings, ...first.rules }), follow });
};
