import type { Removed, Resealed } from '@sallyport/auth/maintenance';

const width = Math.max(
  ...['sessions', 'devices', 'nonces', 'counters', 'revocations', 'audit', 'events'].map((name) => name.length),
);

/** contracts/device-chat.md: the first line. A session is the family of its refresh tokens, of which one at most is good. */
export const cleanupText = (
  { removed, resealed: { resealed, unopened } }: { readonly removed: Removed; readonly resealed: Resealed },
  json: boolean,
): string => {
  if (json) return `${JSON.stringify({ expired_tokens: removed.sessions, removed, resealed, unopened })}\n`;
  const tables = Object.entries(removed).map(([table, count]) => `  ${table.padEnd(width)}  ${count}`);
  const sealed = [
    ...(resealed > 0 ? [`Sealed ${resealed} values under the first root key`] : []),
    ...(unopened > 0 ? [`Left ${unopened} sealed values that no root key here opens`] : []),
  ];
  return `${[`Cleaned up ${removed.sessions} expired tokens`, ...tables, ...sealed].join('\n')}\n`;
};
