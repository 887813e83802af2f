import { afterAll, beforeAll, expect, it } from 'vitest';
import { openWorld, overlapMs, type World } from './testing/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const refreshed = async (token: string, attemptId: string): Promise<string> => {
  const outcome = await world.refresh(0, token, attemptId);
  if (outcome === '503' || outcome.kind !== 'refreshed') throw new Error('not refreshed');
  return outcome.refreshToken;
};

it('gives the same token again inside the overlap, and then rotates, so that a thief who knows both is met', async () => {
  const { sessionId, token } = await world.login();
  const second = await refreshed(token, 'attempt');
  world.advance(overlapMs / 2);
  expect(await refreshed(second, 'attempt')).toBe(second);
  expect((await world.row(sessionId)).generation).toBe(1);
  // Whoever is kept does not prolong it.
  world.advance(overlapMs / 2);
  expect(await refreshed(second, 'attempt')).not.toBe(second);
  expect((await world.row(sessionId)).generation).toBe(2);
  world.advance(overlapMs);
  expect(await world.refresh(0, second, 'of the owner')).toMatchObject({ kind: 'refused', code: 'refresh_reused' });
});
