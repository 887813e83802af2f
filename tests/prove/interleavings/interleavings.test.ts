import { expect, it } from 'vitest';
import { provenInterleavings } from './interleavings.ts';

it('nothing that was handed out works after a 200 to logout, logout-all, disable or password change, whatever the order of verbs', async () => {
  const { pairs, twins, ...result } = await provenInterleavings({ trials: 36, seed: 7 });
  expect({ ...result, twins }).toMatchObject({ passed: true, trials: 36, violations: 0 });
  for (const trials of Object.values(pairs)) expect(trials).toBeGreaterThan(1);
}, 60_000);
