import { describe, expect, it } from 'vitest';
import { diskWaits, straceVersion } from './disk-waits.ts';
import { killUnderLoad } from './kill-under-load.ts';
import { refreshStorm } from './refresh-storm.ts';
import { seeded } from './seeded.ts';

describe('refresh over HTTP', () => {
  it('keeps one lineage under 50 parallel callers from two processes on one SQLite file', async () => {
    expect(await refreshStorm({ rounds: 5, parallel: 50 })).toMatchObject({
      serverErrors: 0,
      refused: 0,
      forkedRounds: 0,
      sessionsStillRefreshing: 5,
    });
  });

  it('loses nothing acknowledged and strands no session when the issuer is killed with -9 under load', async () => {
    const result = await killUnderLoad({ kills: 4, sessions: 8, random: seeded(1) });
    expect(result).toMatchObject({ refused: [], lostWrites: 0, sessionsStillRefreshing: 8 });
    expect(result.acknowledged).toBeGreaterThan(50);
  });

  const strace = straceVersion();
  if (strace === undefined) console.warn('SKIPPED: no strace on this machine, so waits for the disk are not counted');
  it.skipIf(strace === undefined && process.env['SALLYPORT_REQUIRE_SERVICES'] !== '1')(
    'waits for the disk at least once for every acknowledged batch',
    async () => {
      const { batches, syncs, refreshes } = await diskWaits({ seconds: 1, sessions: 8 });
      expect(refreshes).toBeGreaterThan(20);
      expect(batches).toBeGreaterThan(0);
      expect(syncs).toBeGreaterThanOrEqual(batches);
    },
  );
});
