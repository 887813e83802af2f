import { describe, expect, it } from 'vitest';
import { refreshProtocol } from '../prove/refresh-protocol.ts';
import { isSpinMissing } from './spin.ts';

describe.skipIf(isSpinMissing())('the refresh protocol, in every interleaving', () => {
  it('has one live generation, no false logout, a thief whose life is bounded, and nothing after a revocation; its sabotaged twins have not', async () => {
    const { walks, twins, undetected, passed } = await refreshProtocol('small');
    expect({ passed, undetected, walks, twins }).toMatchObject({ passed: true });
    for (const { states } of walks) expect(states).toBeGreaterThan(100_000);
  }, 60_000);
});
