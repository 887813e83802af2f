import { setTimeout as sleep } from 'node:timers/promises';
import { checkOptions } from '../options.ts';
import { fetchText } from './fetch-text.ts';
import { checkKeys } from './fixed-keys.ts';
import type { KeySet, RemoteKeySource, VerificationKey } from './key-source.ts';

export interface RemoteKeysOptions {
  /** `http:` or `https:`. From the settings, never from a token. */
  readonly url: string;
  readonly fetch?: typeof globalThis.fetch;
  readonly clock?: { nowMs(): number };
  /** Fetches for an unknown `kid` happen at most once in this time. Default 30. */
  readonly cooldownSeconds?: number;
  /** In use, the set is fetched again in the background after this time, so that a removed key goes. Default 300. */
  readonly refreshSeconds?: number;
  /** When no fetch has succeeded for this long, the keys are dropped and tokens are refused. Default 10,800 (3 h). */
  readonly staleSeconds?: number;
  /** For one fetch, answer included. Default 5,000. */
  readonly timeoutMs?: number;
  /** Larger answers are refused. Default 65,536. */
  readonly maxBytes?: number;
  /** Further attempts of `load`, 250 ms apart and doubling. Default 3. */
  readonly retries?: number;
}

export interface RemoteFormat {
  readonly contentTypes: readonly string[];
  parse(text: string): readonly VerificationKey[];
}

const numbers = {
  cooldownSeconds: 30,
  refreshSeconds: 300,
  staleSeconds: 10_800,
  timeoutMs: 5000,
  maxBytes: 65_536,
  retries: 3,
} as const;
/** With no key at all every token fails, so an empty source asks again sooner than the cooldown. */
const emptyRetryMs = 1000;
const firstRetryMs = 250;
const hurriedCooldownMs = 1000;
const hurryMs = 10_000;

const identity = ({ kid, thumbprint, algorithms }: VerificationKey): string =>
  JSON.stringify([kid, thumbprint, algorithms]);

/** Full replacement, but a key that stays keeps its object: cached tokens ask by identity whether their key still stands. */
const replace = (old: KeySet, fetched: readonly VerificationKey[]): KeySet => {
  const held = new Map(old.keys.map((key) => [identity(key), key]));
  const keys = fetched.map((key) => held.get(identity(key)) ?? key);
  const same = keys.length === old.keys.length && keys.every((key) => old.keys.includes(key));
  return same ? old : Object.freeze({ generation: old.generation + 1, keys: Object.freeze(keys) });
};

const empty = (generation: number): KeySet => Object.freeze({ generation, keys: Object.freeze([]) });

/** Keys behind a URL: single flight, cooldown, background refresh, stale bound. A failed fetch never changes the keys. */
export const remoteKeys = (name: string, given: RemoteKeysOptions, format: RemoteFormat): RemoteKeySource => {
  const options = checkOptions(name, given, ['url'], { ...numbers, fetch: undefined, clock: undefined });
  const settings = { ...numbers, ...options };
  const url = new URL(options.url);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new TypeError(`${name}: url is not http or https`);
  const nowMs = (): number => (options.clock ? options.clock.nowMs() : Date.now());

  let set = empty(0);
  let fetchedAtMs = Number.NEGATIVE_INFINITY;
  let triedAtMs = Number.NEGATIVE_INFINITY;
  let hurriedUntilMs = Number.NEGATIVE_INFINITY;
  let flight: Promise<void> | undefined;
  const counts = { fetches: 0, failures: 0, lastFailure: undefined as string | undefined };

  const fetchOnce = async (): Promise<void> => {
    triedAtMs = nowMs();
    counts.fetches += 1;
    try {
      const text = await fetchText({
        url: url.href,
        contentTypes: format.contentTypes,
        maxBytes: settings.maxBytes,
        timeoutMs: settings.timeoutMs,
        fetch: options.fetch ?? globalThis.fetch,
      });
      set = replace(set, checkKeys(format.parse(text)));
      fetchedAtMs = triedAtMs;
    } catch (error) {
      counts.failures += 1;
      counts.lastFailure = error instanceof Error ? error.message : 'unknown failure';
      throw error;
    }
  };

  const start = (): Promise<void> => {
    flight ??= fetchOnce().finally(() => {
      flight = undefined;
    });
    return flight;
  };
  // The failure is counted; whoever waits looks at the keys, which did not change.
  const startQuietly = (): Promise<void> => start().catch(() => undefined);

  const cooldownMs = (now: number): number =>
    now < hurriedUntilMs
      ? Math.min(hurriedCooldownMs, settings.cooldownSeconds * 1000)
      : settings.cooldownSeconds * 1000;
  const mayTry = (now: number, pauseMs: number): boolean => now - triedAtMs >= pauseMs || now < triedAtMs;

  const current = (now: number): KeySet => {
    if (set.keys.length === 0) return set;
    // A clock that was set back: how old the keys are is not known, and a removed one must not live until the clock is there again.
    if (now < fetchedAtMs) fetchedAtMs = now - settings.refreshSeconds * 1000;
    if (now - fetchedAtMs >= settings.staleSeconds * 1000) set = empty(set.generation + 1);
    else if (now - fetchedAtMs >= settings.refreshSeconds * 1000 && mayTry(now, cooldownMs(now))) {
      if (!flight) void startQuietly();
    }
    return set;
  };

  const refetch = (now: number): Promise<void> | undefined => {
    if (flight) return flight.catch(() => undefined);
    const pauseMs = cooldownMs(now);
    return mayTry(now, set.keys.length === 0 ? Math.min(emptyRetryMs, pauseMs) : pauseMs) ? startQuietly() : undefined;
  };

  const load = async (): Promise<void> => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await start();
      } catch (cause) {
        if (attempt >= settings.retries)
          throw new Error(`${name}: no usable keys from ${url.origin}${url.pathname}`, { cause });
      }
      await sleep(firstRetryMs * 2 ** attempt);
    }
  };

  const hurry = (): void => {
    const now = nowMs();
    hurriedUntilMs = now + hurryMs;
    fetchedAtMs = Math.min(fetchedAtMs, now - settings.refreshSeconds * 1000);
  };

  return Object.freeze({ current, refetch, load, hurry, stats: () => ({ ...counts }) });
};
