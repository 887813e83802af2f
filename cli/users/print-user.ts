import { userView } from '@sallyport/auth/maintenance';
import type { Account } from './account.ts';

/** One line for each account: tab-separated, or one JSON object. Neither ever holds a password or its hash. */
export const printUser = (user: Account, json: boolean): void => {
  const { id, email, username, name, roles, permissions, state, created_at: created } = userView(user);
  const line = json
    ? JSON.stringify(userView(user))
    : [id, email ?? username ?? '', state, roles.join(','), permissions.join(','), created, name ?? ''].join('\t');
  process.stdout.write(`${line}\n`);
};
