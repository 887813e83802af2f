/**
 * Limits that were hit, as acts: counted together by limit and address, so that a flood writes a bounded number of records. Between two
 * flushes they are in memory, and where the store does not take them, in a file of the data folder as well.
 */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultRealm } from '@sallyport/contract';
import type { Clock } from '@sallyport/kit/clock';
import type { EffectDraft, Effects } from '@sallyport/storage/contracts/effects';
import type { ActContext } from '@sallyport/storage/contracts/store';

export interface LimitHitsOptions {
  readonly effects: Pick<Effects, 'appendEffects'>;
  readonly clock: Clock;
  /** Where they wait while the store does not take them. */
  readonly path: string;
  readonly flushMs: number;
  readonly onError: (error: unknown) => void;
}

export interface LimitHits {
  /** A request that was refused by a limit. Never throws, never waits. */
  note(limit: string, context: ActContext): void;
  stop(): Promise<void>;
}

interface Hits {
  readonly limit: string;
  readonly address: string | undefined;
  readonly userAgent: string | undefined;
  readonly requestId: string;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly count: number;
}

/** Addresses that are told apart between two flushes; beyond, those of one limit are counted together. */
const maxApart = 200;

export const startLimitHits = (options: LimitHitsOptions): LimitHits => {
  const { effects, clock, path, flushMs, onError } = options;
  const stopping = new AbortController();
  let waiting = readWaiting(path);

  const add = (hits: Hits): void => {
    const apart = `${hits.limit} ${hits.address ?? ''}`;
    const isRoom = waiting.has(apart) || waiting.size < maxApart;
    const key = isRoom ? apart : `${hits.limit} *`;
    const before = waiting.get(key);
    const { address: _address, userAgent: _agent, ...together } = hits;
    const added = isRoom ? hits : { ...together, address: undefined, userAgent: undefined };
    waiting.set(
      key,
      before === undefined ? added : { ...before, count: before.count + hits.count, lastAtMs: hits.lastAtMs },
    );
  };

  const flush = async (): Promise<void> => {
    if (waiting.size === 0) return;
    const taken = waiting;
    waiting = new Map();
    try {
      await effects.appendEffects([...taken.values()].map(draftOf));
      rmSync(path, { force: true });
    } catch (error) {
      const newer = waiting;
      waiting = taken;
      for (const hits of newer.values()) add(hits);
      keepWaiting(path, waiting);
      onError(error);
    }
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await sleep(flushMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      await flush().catch(onError);
    }
  };
  const running = run();
  return {
    note: (limit, { address, userAgent, requestId }) => {
      const now = clock.nowMs();
      add({ limit, address, userAgent, requestId, firstAtMs: now, lastAtMs: now, count: 1 });
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
};

const draftOf = ({ limit, address, userAgent, requestId, firstAtMs, lastAtMs, count }: Hits): EffectDraft => ({
  act: 'limit.hit',
  realmId: defaultRealm,
  data: { limit, count, firstAt: new Date(firstAtMs).toISOString(), lastAt: new Date(lastAtMs).toISOString() },
  context: {
    requestId,
    actor: 'user',
    ...(address !== undefined && { address }),
    ...(userAgent !== undefined && { userAgent }),
  },
});

const keepWaiting = (path: string, waiting: ReadonlyMap<string, Hits>): void => {
  const made = `${path}.new`;
  writeFileSync(made, JSON.stringify([...waiting]), { mode: 0o600 });
  renameSync(made, path);
};

const readWaiting = (path: string): Map<string, Hits> => {
  if (!existsSync(path)) return new Map();
  try {
    return new Map(JSON.parse(readFileSync(path, 'utf8')) as readonly (readonly [string, Hits])[]);
  } catch {
    // It was not written by this version, or not at all.
    return new Map();
  }
};
