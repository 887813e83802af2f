import type { AccountView } from '@sallyport/auth/maintenance';

/** One line for each account: tab-separated, or one JSON object. Neither ever holds a password or its hash. */
export const printUser = (user: AccountView, json: boolean): void => {
  const { id, email, username, name, roles, permissions, state, created_at: created } = user;
  const line = json
    ? JSON.stringify(user)
    : [id, email ?? username ?? '', state, roles.join(','), permissions.join(','), created, name ?? ''].join('\t');
  process.stdout.write(`${line}\n`);
};
