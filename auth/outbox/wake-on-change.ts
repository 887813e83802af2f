import type { Accounts } from '@sallyport/storage/contracts/accounts';
import type { Sessions } from '@sallyport/storage/contracts/sessions';
import type { Storage } from '@sallyport/storage/contracts/storage';

/** Verbs whose effects become events. A rotation is not among them: it happens most often, and nobody waits to hear of it. */
const ofAccounts = [
  ...(['createUser', 'changePassword', 'endAllSessions', 'setUserDisabled', 'setUserRoles', 'deleteUser'] as const),
] satisfies readonly (keyof Accounts)[];
const ofSessions = [
  ...(['createSession', 'endSession', 'endSessionsOfUser', 'endReusedSession'] as const),
] satisfies readonly (keyof Sessions)[];

/** The same store, which calls `wake` after every such verb that was answered: no statement more, and nobody waits for it. */
export const wakeOnChange = (storage: Storage, wake: () => void): Storage => ({
  ...storage,
  accounts: waking(storage.accounts, ofAccounts, wake),
  sessions: waking(storage.sessions, ofSessions, wake),
});

const waking = <Contract extends object>(
  contract: Contract,
  verbs: readonly (keyof Contract)[],
  wake: () => void,
): Contract => {
  const made = { ...contract };
  for (const name of verbs) {
    const verb = contract[name] as (...input: unknown[]) => Promise<unknown>;
    made[name] = (async (...input: unknown[]) => {
      const output = await verb(...input);
      wake();
      return output;
    }) as Contract[typeof name];
  }
  return made;
};
