/**
 * {rotate, replay, logout, logout-all, disable, change password} at once on two issuers with one store, in orders that the seed draws,
 * verb by verb: after a 200 to any of the last four no refresh token works, no access token at the issuer, and none at a service that
 * hears the revocation feed, once its bound has passed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sabotage } from '../sabotaged-issuer.ts';
import { seeded } from '../seeded.ts';
import { createLane } from './lane.ts';
import { type Act, acts, endings, runTrial, type Trial } from './trial.ts';
import { startTwoIssuers } from './two-issuers.ts';

export interface Interleavings {
  readonly trials: number;
  /** Different orders of verbs. */
  readonly schedules: number;
  readonly verbs: number;
  /** Trials with both acts of a pair. */
  readonly pairs: Readonly<Record<string, number>>;
  readonly answered200: Readonly<Record<string, number>>;
  /** Tokens of sessions that were ended, each tried at both issuers; access tokens also at the services. */
  readonly refreshTokensTried: number;
  readonly accessTokensTried: number;
  readonly violations: number;
  readonly examples: readonly string[];
  readonly passed: boolean;
}

export interface InterleavingsOptions {
  readonly trials: number;
  readonly seed: number;
  /** Names the store where it is no SQLite file. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly twin?: Twin;
}

interface Twin {
  readonly sabotage: Sabotage;
  /** Where it shows. */
  readonly pair: readonly [Act, Act];
}

/** gateway.md: past it no service believes an access token that was ended. */
const boundMs = 1000;
/** Trials that run beside each other, each with a person and a schedule of its own. */
const lanesAtOnce = 4;
const maxExamples = 5;

/** Every pair with at least one act that ends something. */
type Pairs = readonly (readonly [Act, Act])[];

const allPairs: Pairs = endings.flatMap((ending, place) =>
  acts.slice(0, acts.indexOf('logout') + place + 1).map((other) => [other, ending] as const),
);

const nameOf = (pair: readonly Act[]): string =>
  [...pair].sort((a, b) => acts.indexOf(a) - acts.indexOf(b)).join(' × ');

/** A pair in its turn, with up to two more that hand out tokens. */
const chooseActs = (pairs: Pairs, trial: number, random: () => number): readonly Act[] => {
  const pair = pairs[trial % pairs.length] ?? [];
  const more = Array.from({ length: Math.floor(random() * 3) }, () => (random() < 0.7 ? 'rotate' : 'replay') as Act);
  return [...pair, ...more];
};

const interleavings = async (options: InterleavingsOptions): Promise<Interleavings> => {
  const { trials, seed, settings = {}, twin } = options;
  const pairs = twin === undefined ? allPairs : [twin.pair];
  const issuers = await startTwoIssuers(settings, twin?.sabotage);
  const tally = createTally();
  // A twin has been found out with its first violation.
  const isEnough = (): boolean => twin !== undefined && tally.violations() > 0;
  const due: { readonly token: string; readonly atMs: number; readonly schedule: string }[] = [];
  const askServices = (): void => {
    while (due[0] !== undefined && performance.now() >= due[0].atMs) {
      const { token, schedule } = due.shift() as (typeof due)[number];
      for (const feed of [0, 1])
        if (issuers.isLetIn(feed, token)) tally.violation(`a service lets an access token in, after: ${schedule}`);
    }
  };
  const work = async (place: number): Promise<void> => {
    const random = seeded(seed + place);
    const lane = createLane(random);
    let person: Trial['person'];
    // Numbers of its own, so that what a lane does is the seed's and not the machine's.
    for (let number = place; number < trials && !isEnough(); number += lanesAtOnce) {
      const trial = await runTrial(chooseActs(pairs, number, random), issuers, lane, random, person);
      person = trial.person;
      tally.add(trial);
      const schedule = trial.schedule.join(' ');
      for (const token of trial.accessTokens) due.push({ token, atMs: performance.now() + boundMs, schedule });
      askServices();
    }
  };
  try {
    await Promise.all(Array.from({ length: lanesAtOnce }, (_, place) => work(place)));
    if (!isEnough()) await sleep(boundMs + 1);
    askServices();
    return tally.result();
  } finally {
    await issuers.stop();
  }
};

const createTally = () => {
  const schedules = new Set<string>();
  const pairs = Object.fromEntries(allPairs.map((pair) => [nameOf(pair), 0]));
  const answered200 = Object.fromEntries(acts.map((act) => [act, 0]));
  const counts = { trials: 0, verbs: 0, refreshTokensTried: 0, accessTokensTried: 0, violations: 0 };
  const examples: string[] = [];
  const violation = (text: string): void => {
    counts.violations += 1;
    if (examples.length < maxExamples) examples.push(text);
  };
  return {
    violation,
    violations: () => counts.violations,
    add: (trial: Trial): void => {
      const schedule = trial.schedule.join(' ');
      schedules.add(schedule);
      counts.trials += 1;
      counts.verbs += trial.schedule.length;
      counts.refreshTokensTried += trial.refreshTokens;
      counts.accessTokensTried += trial.accessTokens.length;
      for (const name of new Set(pairsOf(trial.acts))) if (pairs[name] !== undefined) pairs[name] += 1;
      for (const act of trial.done) answered200[act] = (answered200[act] ?? 0) + 1;
      for (const text of trial.violations) violation(`${text}; ${trial.acts.join(', ')}; ${schedule}`);
    },
    result: (): Interleavings => ({
      ...counts,
      schedules: schedules.size,
      pairs,
      answered200,
      examples,
      passed: counts.violations === 0,
    }),
  };
};

const pairsOf = (chosen: readonly Act[]): readonly string[] =>
  chosen.flatMap((one, place) => chosen.slice(place + 1).map((other) => nameOf([one, other])));

/** What each breaks is found by the same trials, or they prove nothing. */
const twins: Readonly<Record<string, Twin>> = {
  'account state that is not read after the rotation': {
    pair: ['rotate', 'disable'],
    sabotage: {
      file: 'refresh/refresh.ts',
      find: 'if (user.disabledAtMs !== undefined || user.sessionEpoch !== session.sessionEpoch)',
      replace: 'if (Object.is(user, undefined))',
    },
  },
  'a password change that adopts the new epoch before the old tokens are gone': {
    pair: ['rotate', 'change-password'],
    sabotage: {
      file: 'account/change-password.ts',
      find: `const renewed = await renewSession(session, context);
    const adoption = { sessionId: session.id, fromEpoch: session.sessionEpoch, toEpoch };
    const adopted = renewed !== undefined && (await sessions.adoptEpoch(adoption));`,
      replace: `const adoption = { sessionId: session.id, fromEpoch: session.sessionEpoch, toEpoch };
    const early = await sessions.adoptEpoch(adoption);
    const renewed = await renewSession(session, context);
    const adopted = renewed !== undefined && early;`,
    },
  },
};

export interface ProvenInterleavings extends Interleavings {
  /** Violations that the same trials find where something is broken. */
  readonly twins: Readonly<Record<string, number>>;
}

export const provenInterleavings = async (options: InterleavingsOptions): Promise<ProvenInterleavings> => {
  const result = await interleavings(options);
  const found: Record<string, number> = {};
  for (const [name, twin] of Object.entries(twins))
    found[name] = (await interleavings({ ...options, trials: maxTwinTrials, twin })).violations;
  return { ...result, twins: found, passed: result.passed && Object.values(found).every((count) => count > 0) };
};

const maxTwinTrials = 400;
