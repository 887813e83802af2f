import { matchesGlob } from 'node:path/posix';

export const matchesAny = (path: string, patterns: readonly string[]): boolean =>
  patterns.some((pattern) => matchesGlob(path, pattern));

/** `storage` covers `storage/contracts/sessions`; `auth/server` covers itself only; `*` covers all. */
export const covers = (entry: string, allowed: readonly string[]): boolean =>
  allowed.some((name) => name === '*' || entry === name || entry.startsWith(`${name}/`));
