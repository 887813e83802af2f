/**
 * Acts that run at once, and a schedule that says whose storage verb goes next. An act does one verb after the other; while each act
 * that is not over waits before a verb, the seed picks one of them. So the order of verbs is the seed's, on a real store, and between
 * two verbs of one act anything may happen that others can do.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Storage } from '@sallyport/storage/contracts/storage';

export interface Lane {
  /** Waits until the schedule says so; at once while no acts run. */
  turn(verb: string): Promise<void>;
  /** Runs the acts to their ends. The schedule is the order in which verbs were let go. */
  run<T>(acts: readonly (() => Promise<T>)[]): Promise<{ readonly results: T[]; readonly schedule: readonly string[] }>;
}

/** Hashing a password lies between two verbs; longer than this nothing does. */
const patienceMs = 20_000;

export const createLane = (random: () => number): Lane => {
  let running = 0;
  let waiting: { readonly verb: string; readonly go: () => void }[] = [];
  let wake: () => void = () => undefined;

  const isDue = (): boolean => running === 0 || waiting.length >= running;
  const allWait = async (schedule: readonly string[]): Promise<void> => {
    if (isDue()) return;
    const giveUp = new AbortController();
    const late = sleep(patienceMs, undefined, { signal: giveUp.signal }).then(
      () => {
        throw new Error(`an act neither ends nor does a verb, after: ${schedule.join(' ')}`);
      },
      () => undefined,
    );
    const due = new Promise<void>((resolve) => {
      wake = () => {
        if (isDue()) resolve();
      };
    });
    await Promise.race([due, late]);
    giveUp.abort();
  };

  return {
    turn: (verb) =>
      running === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            waiting.push({ verb, go: resolve });
            wake();
          }),
    run: async (acts) => {
      const schedule: string[] = [];
      running = acts.length;
      const results = acts.map(async (act) => {
        try {
          return await act();
        } finally {
          running -= 1;
          wake();
        }
      });
      while (running > 0) {
        await allWait(schedule);
        // In an order that does not depend on which came first.
        waiting.sort((one, other) => (one.verb < other.verb ? -1 : 1));
        const [next] = waiting.splice(Math.floor(random() * waiting.length), 1);
        if (next === undefined) break;
        schedule.push(next.verb);
        next.go();
      }
      const left = waiting;
      waiting = [];
      for (const { go } of left) go();
      return { results: await Promise.all(results), schedule };
    },
  };
};

/** Which lane a verb belongs to is told by the session or the user that it is about. */
export type Lanes = Map<string, Lane>;

/** A store whose verbs on sessions and accounts wait for their turn. `node` names the issuer in the schedule. */
export const scheduled = (storage: Storage, lanes: Lanes, node: number): Storage => ({
  ...storage,
  sessions: inTurn(storage.sessions, lanes, node),
  accounts: inTurn(storage.accounts, lanes, node),
  get stats() {
    return storage.stats;
  },
});

type Verb = (...args: unknown[]) => Promise<unknown>;

const inTurn = <T extends object>(contract: T, lanes: Lanes, node: number): T =>
  new Proxy(contract, {
    get: (target, name) => {
      const verb: unknown = Reflect.get(target, name);
      if (typeof verb !== 'function') return verb;
      const waits: Verb = async (...args) => {
        await laneOf(args[0], lanes)?.turn(`${node}.${String(name)}`);
        return (verb as Verb).apply(target, args);
      };
      return waits;
    },
  });

const laneOf = (subject: unknown, lanes: Lanes): Lane | undefined => {
  if (typeof subject === 'string') return lanes.get(subject);
  const { sessionId = '', userId = '' } = Object(subject) as { readonly sessionId?: string; readonly userId?: string };
  return lanes.get(sessionId) ?? lanes.get(userId);
};
