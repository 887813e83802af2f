import { systemRandom } from '@sallyport/kit/random';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRefreshTokens } from '../tokens/refresh-token.ts';
import { openWorld, type World } from './testing/world.ts';

const told: string[] = [];
let world: World;
beforeAll(async () => {
  world = await openWorld((options) => ({
    ...options,
    onAnomaly: (anomaly, sessionId) => void told.push(`${anomaly} ${sessionId ?? ''}`.trim()),
  }));
});
afterAll(() => world.close());

const refreshed = async (token: string): Promise<string> => {
  const outcome = await world.refresh(0, token);
  if (outcome === '503' || outcome.kind !== 'refreshed') throw new Error('not refreshed');
  return outcome.refreshToken;
};

describe('an operator is told', () => {
  it('of a token one ahead of the store, and of one further ahead', async () => {
    const { sessionId, token } = await world.login();
    await world.remember(sessionId);
    const first = await refreshed(token);
    await world.putBack(sessionId, 0);
    told.length = 0;
    const second = await refreshed(first);
    expect(told).toEqual([`adopted_ahead ${sessionId}`]);
    const third = await refreshed(second);
    await world.putBack(sessionId, 0);
    expect(await world.refresh(0, third)).toMatchObject({ kind: 'refused', code: 'session_lost' });
    expect(told).toEqual([`adopted_ahead ${sessionId}`, `session_lost ${sessionId}`]);
  });

  it('of a token under a root key that the node does not hold, and not of garbage', async () => {
    const { sessionId } = await world.login();
    told.length = 0;
    const foreign = createRefreshTokens({ roots: [{ kid: 9, key: systemRandom.bytes(32) }], secrets: [] });
    const token = foreign.derive({ id: sessionId, generation: 0, salt: systemRandom.bytes(16), ...foreign.current });
    expect(await world.refresh(0, token)).toMatchObject({ kind: 'refused', code: 'refresh_invalid' });
    expect(await world.refresh(0, 'garbage')).toMatchObject({ kind: 'refused', code: 'refresh_invalid' });
    expect(told).toEqual(['key_unknown']);
  });
});
