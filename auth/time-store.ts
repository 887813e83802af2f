import type { Accounts } from '@sallyport/storage/contracts/accounts';
import type { Sessions } from '@sallyport/storage/contracts/sessions';
import type { Storage } from '@sallyport/storage/contracts/storage';

/** What people wait for: a login, a refresh, a logout. The rest goes through the same store, and is as slow as these. */
const ofAccounts = ['findUserForLogin', 'createUser'] as const satisfies readonly (keyof Accounts)[];
const ofSessions = [
  ...(['findSession', 'createSession', 'rotateSession', 'endSession'] as const),
] satisfies readonly (keyof Sessions)[];

export type TimedVerb = (typeof ofAccounts)[number] | (typeof ofSessions)[number];
export type ObserveVerb = (verb: TimedVerb, seconds: number) => void;

/** The same store, which tells how long each such verb took, whether it was answered or failed. */
export const timeStore = (storage: Storage, observe: ObserveVerb): Storage => ({
  ...storage,
  accounts: timing(storage.accounts, ofAccounts, observe),
  sessions: timing(storage.sessions, ofSessions, observe),
});

const timing = <Contract extends object, Verb extends keyof Contract & TimedVerb>(
  contract: Contract,
  verbs: readonly Verb[],
  observe: ObserveVerb,
): Contract => {
  const made = { ...contract };
  for (const name of verbs) {
    const verb = contract[name] as (...input: unknown[]) => Promise<unknown>;
    made[name] = (async (...input: unknown[]) => {
      const startedMs = performance.now();
      try {
        return await verb(...input);
      } finally {
        observe(name, (performance.now() - startedMs) / 1000);
      }
    }) as Contract[Verb];
  }
  return made;
};
