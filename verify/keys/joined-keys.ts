import type { KeySet, KeySource } from './key-source.ts';

const joined = (main: KeySet, other: KeySet): KeySet =>
  Object.freeze({ generation: main.generation + other.generation, keys: Object.freeze([...main.keys, ...other.keys]) });

/**
 * The keys of an issuer that has changed its algorithm: `main` signs, `other` has signed what is not yet expired. Every key stays bound to
 * its own algorithm. While `main` has no keys there are none at all: what it would verify has not been judged, and must not be refused
 * for a key that only `other` could have.
 */
export const joinedKeys = (main: KeySource, other: KeySource): KeySource => {
  let seen: readonly [main: KeySet, other: KeySet, both: KeySet] | undefined;
  const current = (nowMs: number): KeySet => {
    const [first, second] = [main.current(nowMs), other.current(nowMs)];
    if (first.keys.length === 0) return first;
    // The same object while nothing changes: cached tokens ask by identity.
    if (seen?.[0] !== first || seen[1] !== second) seen = [first, second, joined(first, second)];
    return seen[2];
  };
  return Object.freeze({ current, refetch: (nowMs: number) => main.refetch?.(nowMs) });
};
