import { Problem } from '@sallyport/contract';
import { systemClock } from '@sallyport/kit/clock';
import { systemRandom } from '@sallyport/kit/random';
import { StoreUnavailable } from '@sallyport/storage/contracts/store';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createIntents, type IntentsOptions } from './intents.ts';
import { sealAll, type TrailUnderTest, testKeys, testMacs, trails } from './testing/trails.ts';
import { verifyTrail } from './verify.ts';

let trail: TrailUnderTest;
beforeAll(async () => {
  trail = await trails.SQLite();
});
afterAll(() => trail.close());

const intentsOver = (parts: Partial<IntentsOptions>) =>
  createIntents({
    ahead: trail.audit,
    afterwards: trail.audit,
    clock: systemClock(),
    random: systemRandom,
    onError: () => undefined,
    ...parts,
  });
const act = { name: 'login', context: { requestId: 'r1', actor: 'user' } } as const;

it('an act whose outcome was never written is listed, and the trail holds', async () => {
  const lost = { appendAudit: async () => Promise.reject(new StoreUnavailable('the process is gone')) };
  const silent = intentsOver({ afterwards: lost });
  const told = intentsOver({});
  await told.around(act, async () => 'done');
  await expect(told.around(act, () => Promise.reject(new Problem('credentials_invalid')))).rejects.toThrow(Problem);
  let present = 0;
  await silent.around({ ...act, name: 'deleteAccount', userId: 'u' }, async () => {
    // By now the store has it.
    present = (await trail.audit.readUnsealed(100)).filter(({ details }) => details.includes('deleteAccount')).length;
  });
  expect(present).toBe(1);
  await Promise.all([told.stop(), silent.stop()]);
  const copies = await sealAll(trail.audit);
  const later = Date.now() + 60_000;
  const report = await verifyTrail({
    audit: trail.audit,
    keys: testKeys,
    macs: testMacs,
    copies,
    nowMs: later,
    lookAgainMs: 1,
  });
  expect(report).toMatchObject({ passed: true, openIntents: [{ act: 'deleteAccount', requestId: 'r1', userId: 'u' }] });
});

it('an audit store that does not answer is 503 in time, and nothing is done', async () => {
  let acted = false;
  const hung = intentsOver({ ahead: { appendAudit: () => new Promise(() => undefined) } });
  const answer = await hung
    .around(act, async () => {
      acted = true;
    })
    .catch((error: unknown) => error);
  expect(answer).toMatchObject({ code: 'audit_unavailable', status: 503 });
  expect(acted).toBe(false);
  await hung.stop();
});
