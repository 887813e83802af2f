import type { RefreshAttempt, TabChange } from './token-store.ts';

export const attemptText = ({ of, id }: RefreshAttempt): string => `${of}:${id}`;

export const parseAttempt = (text: string | null): RefreshAttempt | undefined => {
  const [, of, id] = /^([^:]*):([A-Za-z0-9_-]{22,128})$/.exec(text ?? '') ?? [];
  return of === undefined || id === undefined ? undefined : { of, id };
};

/**
 * The `storage` event fires in every other tab of the origin (HTML, "The storage event"). `key`: present while there is a session.
 * A change from one value to another counts only where each login writes another value (`replaced`).
 */
export const watchKey = (key: string, replaced: boolean, changed: (change: TabChange) => void): (() => void) => {
  if (typeof globalThis.addEventListener !== 'function') return () => undefined;
  const listener = (event: Event): void => {
    const { key: changedKey, newValue, oldValue } = event as StorageEvent;
    // No key: everything of the origin was removed at once.
    if (changedKey === null || (changedKey === key && newValue === null)) changed('signed_out');
    else if (changedKey === key && (replaced || oldValue === null)) changed('signed_in');
  };
  globalThis.addEventListener('storage', listener);
  return () => globalThis.removeEventListener('storage', listener);
};
