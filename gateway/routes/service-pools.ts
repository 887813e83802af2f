import type { Upstream, UpstreamOptions } from '../upstreams/upstream.ts';

export interface ServicePools {
  /** The upstreams of these services, by id: those that are as they were are kept, with their connections; others are opened. */
  use(services: readonly UpstreamOptions[]): ReadonlyMap<string, Upstream>;
  /** Closes what no table uses any more and nobody waits for. */
  closeUnused(): void;
  /** Closes everything. */
  close(): Promise<void>;
}

export interface ServicePoolsOptions {
  readonly open: (options: UpstreamOptions) => Upstream;
  readonly elapsedMs: () => number;
}

interface Held {
  readonly upstream: Upstream;
  /** Since when no table names it and nothing is under way. */
  unusedSinceMs: number | undefined;
}

/**
 * A request that found its route in the table before may still be on its way to its service (a key is being fetched): no step waits
 * for longer.
 */
const graceMs = 30_000;

const keyOf = (options: UpstreamOptions): string =>
  JSON.stringify(Object.entries(options).sort(([a], [b]) => a.localeCompare(b)));

const isInUse = ({ pending, gathering, tunnels }: Upstream): boolean => pending + gathering + tunnels > 0;

/** Connections to services, over reloads of the table. */
export const createServicePools = ({ open, elapsedMs }: ServicePoolsOptions): ServicePools => {
  const held = new Map<string, Held>();
  let used: ReadonlySet<string> = new Set();

  const openOrKeep = (key: string, options: UpstreamOptions): Upstream => {
    const found = held.get(key);
    if (found !== undefined) {
      found.unusedSinceMs = undefined;
      return found.upstream;
    }
    const upstream = open(options);
    held.set(key, { upstream, unusedSinceMs: undefined });
    return upstream;
  };

  const closeUnused = (): void => {
    const now = elapsedMs();
    for (const [key, one] of held) {
      if (used.has(key)) continue;
      if (isInUse(one.upstream)) one.unusedSinceMs = undefined;
      else one.unusedSinceMs ??= now;
      if (one.unusedSinceMs === undefined || now - one.unusedSinceMs < graceMs) continue;
      held.delete(key);
      void one.upstream.close();
    }
  };

  return Object.freeze({
    use: (services: readonly UpstreamOptions[]) => {
      const keyed = services.map((options) => [keyOf(options), options] as const);
      const upstreams = new Map(keyed.map(([key, options]) => [options.id, openOrKeep(key, options)]));
      used = new Set(keyed.map(([key]) => key));
      return upstreams;
    },
    closeUnused,
    close: async () => {
      await Promise.all([...held.values()].map(({ upstream }) => upstream.close()));
      held.clear();
    },
  });
};
