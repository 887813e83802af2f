import { expect, it } from 'vitest';
import { missedRevocations } from '../prove/missed-revocations.ts';
import { isOnRedis } from '../testing/database.ts';

// One of its sessions ends in a transaction of SQL that stays open.
it.skipIf(isOnRedis)(
  'what ended while the gateway was down is refused after its restart, and before its snapshot nobody is let in',
  async () => {
    expect(await missedRevocations({ revocations: 12 })).toMatchObject({
      askedBeforeSnapshot: 13,
      otherwiseAnswered: 0,
      letIn: 0,
      refusedAfterRestart: 12,
      othersLetIn: true,
      passed: true,
    });
  },
  60_000,
);
