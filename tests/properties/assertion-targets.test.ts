import { expect, it } from 'vitest';
import { assertionTargets } from '../prove/assertion-targets.ts';

it('verify at all five adapters as the gateway has forwarded them, and no other target does', async () => {
  const result = await assertionTargets({ targets: 300, seed: 7 });
  expect(result).toMatchObject({ wrong: [], passed: true });
  expect(result.forwarded).toBeGreaterThan(100);
  expect(result.refused).toBeGreaterThan(50);
}, 60_000);
