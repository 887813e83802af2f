/**
 * A commit that waits for a slow disk or a synchronous standby is seen long after the time that its row tells. Whoever asked meanwhile with
 * the token that was current then is one of the callers at once, and no thief, whichever node he asks.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { systemRandom } from '@sallyport/kit/random';
import { createSealer } from '@sallyport/kit/seal';
import { openPostgres, parseTarget } from '@sallyport/storage/postgres';
import { anyPostgres, isAnyPostgresMissing } from '@sallyport/storage/postgres/testing';
import { rawConnection } from '@sallyport/storage/postgres/testing/raw';
import { expect, it, onTestFinished } from 'vitest';
import { openWorld, overlapMs } from './testing/world.ts';

const open = async () => {
  const { url, schema, stop } = await anyPostgres();
  const sealer = createSealer({ keys: [{ kid: '1', key: systemRandom.bytes(32) }], random: systemRandom });
  const options = { target: parseTarget(url), schema, sealer, random: systemRandom, revocationLifetimeMs: 1_000_000 };
  const node = await openPostgres(options);
  const raw = rawConnection(url, schema);
  const world = await openWorld(undefined, {
    nodes: [node, node],
    clock: { offsetMs: () => 0, advance: () => undefined },
    remember: async () => undefined,
    putBack: async () => undefined,
    close: async () => {
      await raw.close();
      await node.close();
      await stop();
    },
  });
  onTestFinished(() => world.close());
  return { world, raw };
};

it.skipIf(isAnyPostgresMissing())(
  'gives the successor to who waited for a rotation that was begun long ago',
  async () => {
    const { world, raw } = await open();
    const { sessionId, token } = await world.login();
    // Another node's rotation, whose commit waits.
    await raw.run(`BEGIN; UPDATE sessions SET generation = 1, rotated_at_ms = rotated_at_ms - ${2 * overlapMs},
    rotation_id = '\\x${systemRandom.bytes(16).toString('hex')}' WHERE id = '${sessionId}'`);
    const waiting = world.refresh(0, token);
    await sleep(200);
    await raw.run('COMMIT');
    const outcome = await waiting;
    expect(outcome).toMatchObject({ kind: 'refreshed', refreshToken: world.tokens.derive(await world.row(sessionId)) });
    // And to another tab that was sent away meanwhile; the overlap has begun anew, and once.
    expect(await world.refresh(0, token)).toMatchObject({ kind: 'refreshed' });
    await raw.run(`UPDATE sessions SET rotated_at_ms = rotated_at_ms - ${overlapMs}`);
    expect(await world.refresh(0, token)).toMatchObject({ kind: 'refused', code: 'refresh_reused' });
  },
);
