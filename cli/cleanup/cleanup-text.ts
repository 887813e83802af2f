import type { Removed } from '@sallyport/auth/maintenance';

const width = Math.max(
  ...['sessions', 'devices', 'nonces', 'counters', 'revocations', 'audit', 'events'].map((name) => name.length),
);

/** contracts/device-chat.md: the first line. A session is the family of its refresh tokens, of which one at most is good. */
export const cleanupText = (removed: Removed, json: boolean): string => {
  if (json) return `${JSON.stringify({ expired_tokens: removed.sessions, removed })}\n`;
  const tables = Object.entries(removed).map(([table, count]) => `  ${table.padEnd(width)}  ${count}`);
  return `${[`Cleaned up ${removed.sessions} expired tokens`, ...tables].join('\n')}\n`;
};
