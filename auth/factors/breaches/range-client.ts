/**
 * The k-anonymity form of the Pwned Passwords API: five hex digits of the hash go out, some 800 suffixes come back, and the server
 * never learns which of them was meant. Owns: that request, its limits, a small memory of answers. Never: sends a whole hash,
 * follows a redirect, or takes an answer that it cannot read for "not found".
 */
import type { Clock } from '@sallyport/kit/clock';
import type { BreachSource } from '../rules/breached.ts';

export interface RangeClientOptions {
  /** For example `https://api.pwnedpasswords.com/range/`; the prefix is put behind it. */
  readonly url: string;
  readonly clock: Clock;
  /** Default 2000. */
  readonly timeoutMs?: number;
}

const prefixLength = 5;
/** A padded answer has up to a thousand lines of 40 characters. */
const maxAnswerBytes = 262_144;
/** Requests under way; beyond, the lookup has failed. */
const maxAtOnce = 32;
const maxRemembered = 64;
const rememberMs = 3_600_000;

interface Remembered {
  readonly untilMs: number;
  readonly counts: ReadonlyMap<string, number>;
}

export const createRangeClient = ({ url, clock, timeoutMs = 2000 }: RangeClientOptions): BreachSource => {
  const base = url.endsWith('/') ? url : `${url}/`;
  const memory = new Map<string, Remembered>();
  const closing = new AbortController();
  let underWay = 0;

  const ask = async (prefix: string): Promise<ReadonlyMap<string, number>> => {
    if (underWay >= maxAtOnce) throw new Error(`${maxAtOnce} lookups are under way`);
    underWay += 1;
    try {
      const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)]);
      return parseRange(await fetchRange(`${base}${prefix}`, signal));
    } finally {
      underWay -= 1;
    }
  };

  const range = async (prefix: string): Promise<ReadonlyMap<string, number>> => {
    const known = memory.get(prefix);
    if (known !== undefined && clock.nowMs() < known.untilMs) return known.counts;
    const counts = await ask(prefix);
    memory.delete(prefix);
    memory.set(prefix, { untilMs: clock.nowMs() + rememberMs, counts });
    const [oldest] = memory.keys();
    if (memory.size > maxRemembered && oldest !== undefined) memory.delete(oldest);
    return counts;
  };

  return {
    count: async (sha1) => (await range(sha1.slice(0, prefixLength))).get(sha1.slice(prefixLength)) ?? 0,
    close: async () => closing.abort(),
  };
};

const fetchRange = async (url: string, signal: AbortSignal): Promise<string> => {
  const response = await fetch(url, {
    // Padding hides from whoever sees the length of the answer which range was asked for.
    headers: { 'add-padding': 'true', 'user-agent': 'sallyport', accept: 'text/plain' },
    redirect: 'error',
    signal,
  });
  // Every prefix has entries: another status, 404 included, is no answer.
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel();
    throw new Error(`the range server answered ${response.status}`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > maxAnswerBytes) throw new Error(`the range server sent more than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('latin1');
};

/** Entries with a count of 0 are padding. Throws where a line has another form, or none is there. */
const parseRange = (text: string): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const line of text.trimEnd().split(/\r?\n/)) {
    const [, suffix, count] = /^([0-9A-F]{35}):(\d{1,10})$/i.exec(line) ?? [];
    if (suffix === undefined) throw new Error('the range server sent something else than suffixes and counts');
    if (Number(count) > 0) counts.set(suffix.toUpperCase(), Number(count));
  }
  return counts;
};
