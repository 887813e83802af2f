import type { KeySource, VerificationKey } from './key-source.ts';
/** More keys than any rotation needs; a bound on the signatures that one token without `kid` may cost. */
export declare const maxKeys = 64;
/** Refuses an empty, oversized or ambiguous list: a `kid` names one key. */
export declare const checkKeys: (keys: readonly VerificationKey[]) => readonly VerificationKey[];
/** A source of keys that never change. */
export declare const fixedKeys: (keys: readonly VerificationKey[]) => KeySource;
