import type { GatewaySettings } from '../config.ts';

/** What crossed to another thread is a copy without the class: keys are buffers again. */
const withBuffers = <K extends { readonly key: Buffer }>(keys: readonly K[] | undefined): K[] | undefined =>
  keys?.map((named) => ({ ...named, key: Buffer.from(named.key) }));

/** The settings as one of so many workers has them: what is allowed to one service is divided among them. */
export const settingsOfWorker = (settings: GatewaySettings, workers: number): GatewaySettings =>
  Object.freeze({
    ...settings,
    masterKeys: withBuffers(settings.masterKeys),
    csrfKeys: withBuffers(settings.csrfKeys),
    upstreamConnections: Math.ceil(settings.upstreamConnections / workers),
    upstreamPending: Math.ceil(settings.upstreamPending / workers),
  });
