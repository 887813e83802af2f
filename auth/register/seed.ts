import { defaultRealm, type UserId } from '@sallyport/contract';
import type { RouteShape } from '@sallyport/contract/routes';
import type { Clock } from '@sallyport/kit/clock';
import type { Random } from '@sallyport/kit/random';
import type { Accounts, User } from '@sallyport/storage/contracts/accounts';
import type { Sessions } from '@sallyport/storage/contracts/sessions';
import type { ActContext } from '@sallyport/storage/contracts/store';
import type { PasswordFactor } from '../factors/factor.ts';
import type { createSessionStarter } from '../tokens/start-session.ts';
import { identifierOf } from './new-user.ts';

export interface SeedOptions {
  readonly accounts: Accounts;
  readonly sessions: Pick<Sessions, 'listSessions'>;
  readonly startSession: ReturnType<typeof createSessionStarter>;
  readonly password: PasswordFactor;
  readonly random: Random;
  readonly clock: Clock;
  readonly shape: RouteShape;
}

export interface SeedRequest {
  /** How many there are to be afterwards. */
  readonly users: number;
  /** Of every account that this run makes. */
  readonly password: string;
  readonly context: ActContext;
  /** Told after each batch how many there are. */
  readonly onProgress: (users: number) => void;
}

export interface Seeded {
  readonly users: number;
  /** Those that this run has made; the others were there. */
  readonly createdUsers: number;
  readonly createdSessions: number;
}

/** Verbs in flight: the store makes its transactions of them. */
const batchSize = 256;

/** RFC 2606 §2: a name that no mail can reach. */
const nameOf = (number: number, { identifier }: RouteShape): string =>
  identifier === 'email' ? `seed-${number}@seed.invalid` : `seed-${number}`;

/** Whether an account was made by a seed. */
export const isSeeded = ({ email, username }: Pick<User, 'email' | 'username'>): boolean =>
  /^seed-\d+(@seed\.invalid)?$/.test(email ?? username ?? '');

/**
 * Fills a store with numbered accounts, a session each, for tests of scale: through the verbs of a registration and a login, with
 * their effects, but with one hash for all. A run that was cut off is taken up where it ended.
 */
export const createSeed = (options: SeedOptions): ((request: SeedRequest) => Promise<Seeded>) => {
  const { accounts, sessions, startSession, password, random, clock, shape } = options;

  const find = async (number: number): Promise<User | undefined> => {
    const identifier = identifierOf(nameOf(number, shape), shape);
    const { emailKey, usernameKey } = identifier ?? {};
    if (emailKey !== undefined) return accounts.findUserForLogin(defaultRealm, { kind: 'email', key: emailKey });
    return accounts.findUserForLogin(defaultRealm, { kind: 'username', key: usernameKey ?? '' });
  };

  /** The first number that may be missing: batches are made one after the other, so only the last one can have gaps. */
  const firstOpen = async (users: number): Promise<number> => {
    let [there, missing] = [0, users + 1];
    while (missing - there > 1) {
      const middle = Math.floor((there + missing) / 2);
      if ((await find(middle)) === undefined) missing = middle;
      else there = middle;
    }
    return Math.max(1, there + 1 - 2 * batchSize);
  };

  const seedOne = async (number: number, passwordHash: string, context: ActContext) => {
    const identifier = identifierOf(nameOf(number, shape), shape);
    if (identifier === undefined) throw new Error('no name for a seeded account');
    const id = random.uuidv7(clock.nowMs()) as UserId;
    const account = { id, realmId: defaultRealm, ...identifier, passwordHash, roles: ['user'], permissions: [] };
    const outcome = await accounts.createUser(account, context);
    const user = outcome.kind === 'created' ? outcome.user : await find(number);
    if (user === undefined) return { user: 0, session: 0 };
    const made = outcome.kind === 'created' ? 1 : 0;
    const { sessionEpoch } = user;
    const has = made === 0 && (await sessions.listSessions({ userId: user.id, sessionEpoch, limit: 1 })).length > 0;
    if (!has) await startSession({ user, amr: [password.amr], origin: {}, context });
    return { user: made, session: has ? 0 : 1 };
  };

  return async function seed({ users, password: plain, context, onProgress }) {
    const passwordHash = await password.hash(plain);
    const counts = { users, createdUsers: 0, createdSessions: 0 };
    for (let first = await firstOpen(users); first <= users; first += batchSize) {
      const numbers = Array.from({ length: Math.min(batchSize, users - first + 1) }, (_, place) => first + place);
      const made = await Promise.all(numbers.map((number) => seedOne(number, passwordHash, context)));
      counts.createdUsers += made.reduce((sum, { user }) => sum + user, 0);
      counts.createdSessions += made.reduce((sum, { session }) => sum + session, 0);
      onProgress(first + numbers.length - 1);
    }
    return counts;
  };
};
