import { setTimeout as sleep } from 'node:timers/promises';
import { type Maintenance, openMaintenance } from '@sallyport/auth/maintenance';
import type { UserId } from '@sallyport/contract';
import { newAttemptId } from '../client.ts';
import { type IssuerFolder, issuerFolder } from '../issuer-process.ts';
import type { ProofStore } from '../on-store.ts';
import type { EventTarget } from './event-target.ts';
import { type Fleet, startFleet } from './fleet.ts';

export interface EventsOptions {
  readonly registrations: number;
  /** kill -9 of an issuer or a relay, drawn by chance. */
  readonly kills: number;
  /** How often the receiver is gone for a while. */
  readonly absences: number;
  /** How often a relay stands still for longer than its leases. */
  readonly pauses: number;
  readonly random: () => number;
  readonly store: ProofStore;
  readonly target: EventTarget;
  /** A killed relay is replaced after seconds, for a proof at small counts. Default: as in production. */
  readonly quickLeases?: true;
}

export interface EventsResult {
  readonly acknowledged: number;
  /** Accounts that the store has: also those whose answer was lost. */
  readonly users: number;
  readonly killed: Readonly<Record<'issuer' | 'relay', number>>;
  readonly absences: number;
  readonly pauses: number;
  readonly arrived: number;
  readonly repetitions: number;
  /** Kills, absences and pauses times the batch. */
  readonly mostRepetitions: number;
  readonly backlogAtTheEnd: number;
  readonly drainedAfterSeconds: number;
  /** Each has to be empty. */
  readonly wrong: {
    readonly usersWithoutEvent: readonly string[];
    readonly eventsWithoutUser: readonly string[];
    readonly outOfOrder: readonly string[];
    readonly notPublished: readonly string[];
    readonly neverArrived: readonly string[];
  };
}

const issuers = 2;
const relays = 3;
const clients = 8;
const batchSize = 100;
const drainLimitSeconds = 60;
const leaseSeconds = { production: 10, quick: 2 } as const;

/**
 * Accounts are registered while issuers and relays are killed with -9 and the receiver leaves and comes back. In the end the events that
 * arrived are those of the accounts that the store has, in the order of each.
 */
export const provenEvents = async (options: EventsOptions): Promise<EventsResult> => {
  const { store, target } = options;
  const folder = issuerFolder({
    ...store.settings,
    ...target.settings,
    ...{ TESTS_ONLY: 'on', EVENT_RELAY: 'off', EVENT_BATCH_SIZE: String(batchSize), LOG_LEVEL: 'error' },
    EVENT_LEASE_SECONDS: String(options.quickLeases ? leaseSeconds.quick : leaseSeconds.production),
    // Two events for each account, so that there is an order.
    ...{ REGISTRATION_ISSUES_TOKENS: 'on', PASSWORD_MIN_SCORE: '0', PASSWORD_REFUSE_COMMON: 'off' },
  });
  try {
    const fleet = await startFleet(folder, { issuers, relays, random: options.random });
    try {
      return await prove(options, folder, fleet);
    } finally {
      await fleet.stop();
    }
  } finally {
    folder.remove();
  }
};

const prove = async (options: EventsOptions, folder: IssuerFolder, fleet: Fleet): Promise<EventsResult> => {
  const { target } = options;
  const killed = { issuer: 0, relay: 0 };
  let acknowledged = 0;
  const load = registerAll(options.registrations, fleet, () => {
    acknowledged += 1;
  });
  const reached = async (share: number): Promise<void> => {
    while (acknowledged < share * options.registrations) await sleep(5);
  };
  const killing = async (): Promise<void> => {
    for (let kill = 0; kill < options.kills; kill += 1) {
      await reached((kill + options.random()) / options.kills);
      killed[await fleet.killOne()] += 1;
    }
  };
  const leaving = async (): Promise<void> => {
    for (let absence = 0; absence < options.absences; absence += 1) {
      await reached((absence + options.random()) / options.absences);
      await target.leave();
      await sleep(200 + options.random() * 1800);
      await target.comeBack();
    }
  };
  const pausing = async (): Promise<void> => {
    for (let pause = 0; pause < options.pauses; pause += 1) {
      await reached((pause + options.random()) / options.pauses / 2);
      await fleet.pauseOne(leaseSeconds.production * 1000 + 1000 + options.random() * 2000);
    }
  };
  await Promise.all([load, killing(), leaving(), pausing()]);

  const store = await openMaintenance(folder.env);
  try {
    const started = performance.now();
    const backlogAtTheEnd = (await pendingIds(store)).length;
    const users = await userIds(store);
    await untilDrained(store, target, users, started);
    const drainedAfterSeconds = Math.round((performance.now() - started) / 100) / 10;
    const arrived = await target.arrived();
    // A map keeps the place of what came first.
    const first = new Map(arrived.map((event) => [event.id, event]));
    const bySubject = Map.groupBy(first.values(), ({ subject }) => subject);
    const kept = await all(store.listEvents({}, 1_000_000));
    const keptBySubject = Map.groupBy(kept, ({ key }) => key);
    const known = new Set<string>(users);
    return {
      ...{ acknowledged, users: users.length, killed, absences: options.absences, pauses: options.pauses },
      ...{ arrived: arrived.length, repetitions: arrived.length - first.size },
      mostRepetitions: (options.kills + options.absences + options.pauses) * batchSize,
      ...{ backlogAtTheEnd, drainedAfterSeconds },
      wrong: {
        usersWithoutEvent: users.filter((id) => bySubject.get(id)?.[0]?.type !== 'USER_CREATED'),
        eventsWithoutUser: [...bySubject.keys()].filter((id) => !known.has(id)),
        outOfOrder: [...bySubject.keys()].filter((id) => {
          const wanted = keptBySubject.get(id)?.map(({ effectId }) => effectId);
          const came = bySubject.get(id)?.map((event) => event.id);
          return wanted?.join() !== came?.join();
        }),
        notPublished: kept.filter(({ state }) => state !== 'published').map(({ effectId }) => effectId),
        neverArrived: kept.filter(({ effectId }) => !first.has(effectId)).map(({ effectId }) => effectId),
      },
    };
  } finally {
    await store.close();
  }
};

/** Each client goes on until so many were acknowledged; an answer that is lost may have been a registration all the same. */
const registerAll = async (count: number, fleet: Fleet, onAcknowledged: () => void): Promise<void> => {
  let left = count;
  const client = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const account = { email: `${newAttemptId()}@example.org`, password: newAttemptId(), name: 'Prove' };
      const status = await fleet
        .client()
        .post('/auth/register', account)
        .then((answer) => answer.status)
        .catch(() => 0);
      if (status === 201) onAcknowledged();
      else {
        if (status !== 0 && status < 500) throw new Error(`a registration was answered with ${status}`);
        left += 1;
        await sleep(10);
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
};

const untilDrained = async (
  store: Maintenance,
  target: EventTarget,
  users: readonly UserId[],
  started: number,
): Promise<void> => {
  while (performance.now() - started < drainLimitSeconds * 1000) {
    const subjects = new Set((await target.arrived()).map(({ subject }) => subject));
    if (users.every((id) => subjects.has(id)) && (await pendingIds(store)).length === 0) return;
    await sleep(100);
  }
};

const pendingIds = async (store: Maintenance): Promise<readonly string[]> =>
  (await all(store.listEvents({ state: 'pending' }, 1_000_000))).map(({ effectId }) => effectId);

const userIds = async (store: Maintenance): Promise<readonly UserId[]> => {
  const ids: UserId[] = [];
  for (;;) {
    const after = ids.at(-1);
    const page = await store.listUsers({ limit: 1000, ...(after !== undefined && { after }) });
    ids.push(...page.map(({ id }) => id));
    if (page.length < 1000) return ids;
  }
};

const all = async <Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> => {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
};
