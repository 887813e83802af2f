import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type StoryOptions, type Turn, tell } from './testing/story.ts';
import { openWorld, overlapMs, type Sabotage } from './testing/world.ts';
import { otherStores, usualStore } from './testing/world-store.ts';

/** `SALLYPORT_PROPERTY_RUNS` raises the count for `npm run prove -- refresh-model`. */
const runs = Number(process.env['SALLYPORT_PROPERTY_RUNS'] ?? 60);
const seed = process.env['SALLYPORT_PROPERTY_SEED'];

const turn: fc.Arbitrary<Turn> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('client' as const),
      lost: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
      reversed: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(1, overlapMs - 500, overlapMs + 1),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'steal' as const }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'thief' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      when: fc.constantFrom('before' as const, 'after' as const),
      outageMs: fc.constantFrom(1, 60_000),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'logout-in-flight' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'logout-all' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'cleanup' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'store-goes-back' as const }) },
);

const check = async (options: StoryOptions, numRuns: number, sabotage?: Sabotage, on = usualStore) => {
  const world = await openWorld(sabotage, on);
  try {
    const property = fc.asyncProperty(fc.array(turn, { minLength: 3, maxLength: 16, size: 'max' }), (turns) =>
      tell(world, turns, options),
    );
    return await fc.check(property, {
      numRuns,
      endOnFailure: sabotage !== undefined,
      ...(seed !== undefined && { seed: Number(seed) }),
    });
  } finally {
    await world.close();
  }
};

/** A third of the stories on the others: what a store adds to the protocol are its verbs, and each has its own test. */
const suites = [[usualStore, runs] as const, ...otherStores().map((name) => [name, Math.ceil(runs / 3)] as const)];

describe.each(suites)('refresh on %s', (store, numRuns) => {
  for (const attempts of [false, true]) {
    it(`has no forks and no false logout, ${attempts ? 'with' : 'without'} attempt ids`, async () => {
      const result = await check({ attempts }, numRuns, undefined, store);
      expect(result.failed, fc.defaultReportMessage(result) ?? '').toBe(false);
    });
  }
});

/** Each twin breaks one thing that the protocol rests on; the same property must then find it. */
const twins: readonly { readonly name: string; readonly attempts: boolean; readonly sabotage: Sabotage }[] = [
  {
    name: 'rotation that ignores the generation',
    attempts: false,
    sabotage: (options) => ({
      ...options,
      sessions: {
        ...options.sessions,
        rotateSession: async (rotation) => {
          for (;;) {
            const { value } = await options.sessions.findSession(rotation.sessionId);
            const expectedGeneration = value?.generation ?? 0;
            const blind = { ...rotation, expectedGeneration, newGeneration: expectedGeneration + 1 };
            const outcome = await options.sessions.rotateSession(blind);
            if (outcome.value.won) return outcome;
            if (outcome.value.session?.revokedAtMs !== undefined) return outcome;
          }
        },
      },
    }),
  },
  {
    name: 'an overlap without end',
    attempts: false,
    sabotage: (options) => ({ ...options, policy: { ...options.policy, overlapMs: 10 ** 12 } }),
  },
  {
    name: 'a verdict of reuse that ends nothing',
    attempts: false,
    sabotage: (options) => ({ ...options, sessions: { ...options.sessions, endReusedSession: async () => true } }),
  },
  {
    name: "losers' attempt ids that are not kept",
    attempts: true,
    sabotage: (options) => ({
      ...options,
      sessions: {
        ...options.sessions,
        rotateSession: ({ attempt: _dropped, ...rotation }) => options.sessions.rotateSession(rotation),
        recordLoserAttempt: async () => undefined,
      },
    }),
  },
  {
    name: 'commits of unknown outcome that are never settled',
    attempts: false,
    sabotage: (options) => ({
      ...options,
      unsettled: { remember: () => undefined, settle: async () => undefined, noteOutage: () => undefined, size: 0 },
    }),
  },
  {
    name: 'account state that is not read after the rotation',
    attempts: false,
    sabotage: (options) => ({
      ...options,
      accounts: {
        ...options.accounts,
        findUser: async (userId) => {
          const user = await options.accounts.findUser(userId);
          return user && { ...user, sessionEpoch: 1 };
        },
      },
    }),
  },
  {
    name: 'a successor that is drawn instead of derived',
    attempts: false,
    sabotage: (options) => {
      let drawn = 0;
      const derive: typeof options.tokens.derive = (position) => {
        drawn += 1;
        return options.tokens.derive({ ...position, salt: Buffer.alloc(16, drawn) });
      };
      return { ...options, tokens: { ...options.tokens, derive } };
    },
  },
];

describe('sabotaged twins turn the property red:', () => {
  for (const { name, attempts, sabotage } of twins) {
    it(name, async () => {
      expect((await check({ attempts }, runs * 20, sabotage)).failed).toBe(true);
    });
  }
});
