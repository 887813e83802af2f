import type { Maintenance } from '@sallyport/auth/maintenance';
import type { Account } from './account.ts';

const pageSize = 100;

/** Oldest first, at most `limit`. */
export const listUsers = async (store: Pick<Maintenance, 'listUsers'>, limit: number): Promise<readonly Account[]> => {
  const users: Account[] = [];
  for (;;) {
    const after = users.at(-1)?.id;
    const wanted = Math.min(pageSize, limit - users.length);
    const page = await store.listUsers({ limit: wanted, ...(after !== undefined && { after }) });
    users.push(...page);
    if (page.length < wanted || users.length >= limit) return users;
  }
};
