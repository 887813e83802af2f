import type { StoredKey } from '@sallyport/auth/maintenance';

const at = (ms: number): string => new Date(ms).toISOString();

const told: Readonly<Record<StoredKey['state'], (key: StoredKey) => string>> = {
  next: ({ signsFromMs }) => `signs from ${at(signsFromMs)}`,
  current: ({ signsFromMs }) => `signs since ${at(signsFromMs)}`,
  retired: ({ verifiesUntilMs }) =>
    verifiesUntilMs === undefined ? 'verifies' : `verifies until ${at(verifiesUntilMs)}`,
};

/** One line a key. */
export const keysText = (keys: readonly StoredKey[]): string =>
  keys.map((key) => `${key.state.padEnd(8)}${key.algorithm.padEnd(7)}${key.kid}  ${told[key.state](key)}\n`).join('');
