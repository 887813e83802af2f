import type { KeyView } from '@sallyport/auth/maintenance';

const told: Readonly<Record<KeyView['state'], (key: KeyView) => string>> = {
  next: (key) => `signs from ${key.signs_from}`,
  current: (key) => `signs since ${key.signs_from}`,
  retired: (key) => (key.verifies_until === undefined ? 'verifies' : `verifies until ${key.verifies_until}`),
};

/** One line a key. */
export const keysText = (keys: readonly KeyView[]): string =>
  keys.map((key) => `${key.state.padEnd(8)}${key.algorithm.padEnd(7)}${key.kid}  ${told[key.state](key)}\n`).join('');
