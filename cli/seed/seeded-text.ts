import type { Seeded } from '@sallyport/auth/maintenance';

/** The password opens the accounts that this run has made: it is said where there are any. */
export const seededText = ({ password, ...seeded }: Seeded & { readonly password: string }, json: boolean): string => {
  const { users, createdUsers, createdSessions } = seeded;
  const secret = createdUsers > 0 ? { password } : {};
  if (json) return `${JSON.stringify({ ...seeded, ...secret })}\n`;
  const lines = [
    `${users} seeded accounts: ${createdUsers} new, with ${createdSessions} sessions.`,
    ...(createdUsers > 0 ? [`The password of each new account: ${password}`] : []),
  ];
  return `${lines.join('\n')}\n`;
};
