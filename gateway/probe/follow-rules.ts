import type { Log } from '@sallyport/kit/log';
import type { GatewaySettings } from '../config.ts';
import type { GatewayMetrics } from '../metrics.ts';
import type { RouteAdopter } from '../routes/reload-routes.ts';
import { openTrust } from '../tls/service-trust.ts';
import { startProbe } from './start-probe.ts';

export interface FollowRulesOptions {
  /** With the services and routes that are in force first. */
  readonly settings: GatewaySettings;
  readonly metrics: Pick<GatewayMetrics, 'watchProbe'>;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
}

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/**
 * Probes the services now, and those of each reading that is adopted from now on through what it returns. Returns at once; does
 * nothing but pass readings on where UPSTREAM_PROBE is off.
 */
export const followRules = (source: RouteAdopter, options: FollowRulesOptions): RouteAdopter & { close(): void } => {
  const { settings, metrics, log } = options;
  if (!settings.upstreamProbe) return { adopt: source.adopt, close: () => undefined };
  const elapsedMs = (): number => performance.now();
  const trust = openTrust(settings);
  // What is renewed is told by the gateway itself, which shows the same certificate.
  const following = trust?.follow(silent, Date.now);
  const probe = startProbe({ settings, log, show: metrics.watchProbe(), elapsedMs, trust });
  probe.ask(settings);
  const adopt: RouteAdopter['adopt'] = async (reading) => {
    const adoption = await source.adopt(reading);
    if (adoption.ok && reading.rules !== undefined) probe.ask(reading.rules);
    return adoption;
  };
  const close = (): void => {
    following?.close();
    probe.close();
  };
  return Object.freeze({ adopt, close });
};
