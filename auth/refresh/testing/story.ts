/**
 * One session's story: a client with tabs, a thief, the clock, the network and the store take turns. After every turn the story
 * asks the rules of refresh.md of what it saw; it knows them from the document, not from the code.
 */
import { expect } from 'vitest';
import type { RefreshOutcome } from '../refresh.ts';
import { overlapMs, type World } from './world.ts';

export type Turn =
  /** Tabs of the client refresh at once; `lost[i]`: that answer never arrives. */
  | { readonly kind: 'client'; readonly lost: readonly boolean[]; readonly reversed: boolean }
  | { readonly kind: 'steal' }
  | { readonly kind: 'thief' }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'fault'; readonly when: 'before' | 'after'; readonly outageMs: number }
  | { readonly kind: 'logout-in-flight' }
  | { readonly kind: 'logout-all' }
  | { readonly kind: 'cleanup' }
  | { readonly kind: 'store-goes-back' };

export interface StoryOptions {
  readonly attempts: boolean;
}

interface Story {
  readonly world: World;
  readonly sessionId: Awaited<ReturnType<World['login']>>['sessionId'];
  readonly userId: Awaited<ReturnType<World['login']>>['userId'];
  readonly options: StoryOptions;
  client: { token: string; attempts: readonly string[] };
  thief: string | undefined;
  /** The session has been ended on purpose, or by a verdict. */
  dead: boolean;
  calls: number;
  /** Of attempt ids: never one twice, as a client's are random. */
  draws: number;
}

export const tell = async (world: World, turns: readonly Turn[], options: StoryOptions): Promise<void> => {
  const { sessionId, userId, token } = await world.login();
  const story: Story = {
    world,
    sessionId,
    userId,
    options,
    client: { token, attempts: [] },
    thief: undefined,
    dead: false,
    calls: 0,
    draws: 0,
  };
  for (const turn of turns) await take(story, turn);
  await lastWord(story);
};

const take = async (story: Story, turn: Turn): Promise<void> => {
  switch (turn.kind) {
    case 'client':
      return clientTurn(story, turn.lost, turn.reversed);
    case 'steal':
      story.thief = story.client.token;
      return;
    case 'thief':
      return thiefTurn(story);
    case 'wait':
      return story.world.advance(turn.ms);
    case 'fault':
      return faultTurn(story, turn.when, turn.outageMs);
    case 'logout-in-flight':
      return logoutInFlight(story);
    case 'logout-all':
      await story.world.storage.accounts.endAllSessions(story.userId, { requestId: 'property', actor: 'user' });
      story.dead = true;
      return;
    case 'cleanup':
      // Keeps nothing for the sake of keeping: what then is missing was needed.
      await story.world.storage.housekeeping.removeExpiredSessions({ keepEndedMs: 0, limit: 1_000_000 });
      return;
    case 'store-goes-back':
      return storeGoesBack(story);
  }
};

/** What the rules say of one caller, from the row as it stands before the call. */
const expected = async (story: Story, token: string, attempt?: string): Promise<'refreshed' | 'refused' | 'ends'> => {
  const { world, sessionId } = story;
  const row = await world.row(sessionId);
  if (story.dead) return 'refused';
  const behind = row.generation - generationOf(world, token);
  if (behind <= 0) return behind >= -1 ? 'refreshed' : 'refused';
  const inside = world.storeNowMs() < row.rotatedAtMs + overlapMs;
  const known = attempt !== undefined && story.client.attempts.includes(attempt);
  return behind === 1 && (inside || known) ? 'refreshed' : 'ends';
};

const generationOf = (world: World, token: string): number => {
  const parsed = world.tokens.parse(token);
  if (parsed === undefined) throw new Error('not a token');
  return parsed.generation;
};

/**
 * The client keeps its attempt id where all tabs see it, until a new token arrives. Tabs that start at the same moment each
 * draw one; whoever comes later uses the last one kept.
 */
const attemptsOf = (story: Story, tabs: number): readonly (string | undefined)[] => {
  const none = Array.from({ length: tabs }, () => undefined);
  if (!story.options.attempts) return none;
  const kept = story.client.attempts.at(-1);
  if (kept !== undefined) return none.map(() => kept);
  story.draws += 1;
  const drawn = none.map((_, tab) => `${story.draws}-${tab}-${story.sessionId}`);
  story.client.attempts = drawn;
  return drawn;
};

const clientTurn = async (story: Story, lost: readonly boolean[], reversed: boolean): Promise<void> => {
  const { world, client } = story;
  const before = await world.row(story.sessionId);
  const presented = client.token;
  const rule = await expected(story, presented, story.client.attempts.at(-1));
  const attempts = attemptsOf(story, lost.length);
  await world.remember(story.sessionId);
  const outcomes = await Promise.all(attempts.map((attempt) => world.refresh(story.calls++, presented, attempt)));
  const answers = outcomes.map((outcome, tab) => ({ outcome, lost: lost[tab] === true }));
  const after = await world.row(story.sessionId);
  if (rule !== 'refreshed') {
    for (const { outcome } of answers) expect(kindOf(outcome), 'a dead or late token was accepted').toBe('refused');
    if (rule === 'ends') {
      expect(after.revokedCause, 'reuse did not end the session').toBe('reused');
      story.dead = true;
    }
    return;
  }
  const tokens = answers.map(({ outcome }) => tokenOf(outcome));
  expect(new Set(tokens).size, 'one token had several successors').toBe(1);
  expect(after.generation - before.generation, 'one batch moved more than one generation').toBeLessThanOrEqual(2);
  expect(tokens[0], 'the successor is not the live generation').toBe(world.tokens.derive(after));
  const arrived = (reversed ? answers.toReversed() : answers).filter((answer) => !answer.lost).at(-1);
  if (arrived !== undefined) story.client = { token: tokenOf(arrived.outcome), attempts: [] };
};

const thiefTurn = async (story: Story): Promise<void> => {
  if (story.thief === undefined) return;
  const rule = await expected(story, story.thief);
  const outcome = await story.world.refresh(story.calls++, story.thief);
  if (rule === 'refreshed') {
    const row = await story.world.row(story.sessionId);
    story.thief = tokenOf(outcome);
    expect(story.thief, 'the thief got a generation of its own').toBe(story.world.tokens.derive(row));
    return;
  }
  expect(kindOf(outcome), "a thief's dead or late token was accepted").toBe('refused');
  if (rule === 'ends') {
    expect((await story.world.row(story.sessionId)).revokedCause).toBe('reused');
    story.dead = true;
  }
};

/** The client is sent away with 503, the store stays away, and the client comes back: it must never be logged out for it. */
const faultTurn = async (story: Story, when: 'before' | 'after', outageMs: number): Promise<void> => {
  const { world } = story;
  const rule = await expected(story, story.client.token);
  const current = (await world.row(story.sessionId)).generation === generationOf(world, story.client.token);
  if (story.dead || rule !== 'refreshed' || !current) return;
  const node = story.calls++;
  const [attempt] = attemptsOf(story, 1);
  world.setFault(when);
  const outcome = await world.refresh(node, story.client.token, attempt);
  world.setFault('none');
  expect(outcome, 'a store failure was answered with a verdict').toBe('503');
  world.advance(outageMs);
  const again = await world.refresh(node, story.client.token, attempt);
  story.client = { token: tokenOf(again), attempts: [] };
};

const logoutInFlight = async (story: Story): Promise<void> => {
  const { world, client } = story;
  const [first, second] = attemptsOf(story, 2);
  await Promise.all([
    world.refresh(story.calls++, client.token, first),
    world.endSession(story.sessionId),
    world.refresh(story.calls++, client.token, second),
  ]);
  story.dead = true;
};

/** The store loses its last rotation; the client's token is one generation ahead and is adopted. */
const storeGoesBack = async (story: Story): Promise<void> => {
  const { world } = story;
  const generation = (await world.row(story.sessionId)).generation;
  const heldGeneration = generationOf(world, story.client.token);
  if (story.dead || generation === 0 || heldGeneration !== generation || story.thief !== undefined) return;
  await world.putBack(story.sessionId, generation - 1);
  if ((await world.row(story.sessionId)).generation !== generation - 1) return;
  const outcome = await world.refresh(story.calls++, story.client.token, undefined);
  story.client = { token: tokenOf(outcome), attempts: [] };
};

/** Whatever happened: a dead session stays dead for everybody, a live one still serves its client. */
const lastWord = async (story: Story): Promise<void> => {
  const holders = [story.client.token, ...(story.thief === undefined ? [] : [story.thief])];
  if (story.dead) {
    for (const token of holders) {
      expect(kindOf(await story.world.refresh(story.calls++, token)), 'a dead session came back').toBe('refused');
    }
    return;
  }
  if (story.thief === undefined) {
    const rule = await expected(story, story.client.token);
    if (rule === 'refreshed') tokenOf(await story.world.refresh(story.calls++, story.client.token));
  }
};

const kindOf = (outcome: RefreshOutcome | '503'): string => (outcome === '503' ? outcome : outcome.kind);

const tokenOf = (outcome: RefreshOutcome | '503'): string => {
  if (outcome === '503') throw new Error('false logout: the store answered, the node said 503');
  if (outcome.kind === 'refused') throw new Error(`false logout: ${outcome.code}`);
  return outcome.refreshToken;
};
