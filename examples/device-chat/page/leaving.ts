/**
 * A logout in one tab is told to the issuer first, and the chat service may close the other tabs' streams before they hear of it from the
 * browser. Asked then, the issuer says no more than that the session has ended. This note lets them say who ended it.
 */
const key = 'parley_leaving';
const holdsMs = 30_000;

/** Before the issuer is told. */
export const noteLeaving = (storage: Storage, now: number): void => storage.setItem(key, String(now));

/** Whoever is in the browser now is leaving, or has just left. */
export const isLeaving = (storage: Storage, now: number): boolean =>
  Math.abs(now - Number(storage.getItem(key) ?? Number.NaN)) < holdsMs;

export const forgetLeaving = (storage: Storage): void => storage.removeItem(key);
