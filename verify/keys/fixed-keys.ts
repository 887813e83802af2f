import type { KeySet, KeySource, VerificationKey } from './key-source.ts';

/** More keys than any rotation needs; a bound on the signatures that one token without `kid` may cost. */
export const maxKeys = 64;

/** Refuses an empty, oversized or ambiguous list: a `kid` names one key. */
export const checkKeys = (keys: readonly VerificationKey[]): readonly VerificationKey[] => {
  if (keys.length === 0) throw new TypeError('No verification key given');
  if (keys.length > maxKeys) throw new TypeError(`More than ${maxKeys} verification keys`);
  if (new Set(keys.map(({ kid }) => kid)).size !== keys.length)
    throw new TypeError('Two verification keys have one kid');
  return Object.freeze([...keys]);
};

/** A source of keys that never change. */
export const fixedKeys = (keys: readonly VerificationKey[]): KeySource => {
  const set: KeySet = Object.freeze({ generation: 1, keys: checkKeys(keys) });
  return Object.freeze({ current: () => set });
};
