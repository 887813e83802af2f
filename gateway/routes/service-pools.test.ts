import { describe, expect, it } from 'vitest';
import { openUpstream, type UpstreamOptions } from '../upstreams/upstream.ts';
import { createServicePools } from './service-pools.ts';

const service = (id: string, change: Partial<UpstreamOptions> = {}): UpstreamOptions => ({
  id,
  origins: ['http://127.0.0.1:1'],
  isPlain: false,
  isIssuer: false,
  connectTimeoutMs: 100,
  timeoutMs: 100,
  maxConnections: 1,
  maxPending: 1,
  ...change,
});

const rig = () => {
  let nowMs = 0;
  const closed: string[] = [];
  const open = (options: UpstreamOptions) => {
    const upstream = openUpstream(options, { elapsedMs: () => nowMs, log: { warn: () => undefined } });
    return Object.assign(upstream, {
      close: async () => void closed.push(`${options.id} ${options.timeoutMs}`),
    });
  };
  const pools = createServicePools({ open, elapsedMs: () => nowMs });
  const pass = (ms: number): void => {
    nowMs += ms;
    pools.closeUnused();
  };
  return { pools, closed, pass };
};

describe('connections to services, over reloads', () => {
  it('stay with a service that stays, whatever the order of its members', () => {
    const { pools } = rig();
    const first = pools.use([service('a'), service('b')]);
    const second = pools.use([service('b'), Object.fromEntries(Object.entries(service('a')).reverse()) as never]);
    expect(second.get('a')).toBe(first.get('a'));
    expect(second.get('b')).toBe(first.get('b'));
  });

  it('are opened anew for a service that is reached otherwise, and closed once nobody can want the old ones', () => {
    const { pools, closed, pass } = rig();
    const first = pools.use([service('a')]).get('a');
    const second = pools.use([service('a', { timeoutMs: 200 })]).get('a');
    expect(second).not.toBe(first);
    pass(1000);
    pass(29_999);
    expect(closed).toEqual([]);
    pass(1);
    expect(closed).toEqual(['a 100']);
  });

  it('wait for the last request of a service that is gone', () => {
    const { pools, closed, pass } = rig();
    const upstream = pools.use([service('a')]).get('a');
    if (upstream === undefined) throw new Error('it was not opened');
    pools.use([]);
    pass(1000);
    upstream.pending = 1;
    pass(60_000);
    expect(closed).toEqual([]);
    upstream.pending = 0;
    pass(1000);
    pass(30_000);
    expect(closed).toEqual(['a 100']);
  });

  it('are taken up again by a service that comes back in time', () => {
    const { pools, closed, pass } = rig();
    const first = pools.use([service('a')]).get('a');
    pools.use([]);
    pass(1000);
    expect(pools.use([service('a')]).get('a')).toBe(first);
    pass(60_000);
    expect(closed).toEqual([]);
  });

  it('all end with the gateway', async () => {
    const { pools, closed } = rig();
    pools.use([service('a')]);
    pools.use([service('b')]);
    await pools.close();
    expect(closed).toEqual(['a 100', 'b 100']);
  });
});
