import { isPostgresMissing } from '@sallyport/storage/postgres/testing';
import { isRedisMissing } from '@sallyport/storage/redis/testing';
import { describe, expect, it } from 'vitest';
import { diskWaits, straceVersion } from './disk-waits.ts';
import { webhookTarget } from './events/event-target.ts';
import { provenEvents } from './events/events.ts';
import { killUnderLoad } from './kill-under-load.ts';
import { onStore } from './on-store.ts';
import { issuerSigterm } from './parts-sigterm.ts';
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

  it.skipIf(isPostgresMissing())('keeps one lineage from two processes on one PostgreSQL', async () => {
    const storm = await onStore('postgres', ({ settings }) => refreshStorm({ rounds: 3, parallel: 50, settings }));
    expect(storm).toMatchObject({ serverErrors: 0, refused: 0, forkedRounds: 0, sessionsStillRefreshing: 3 });
  });

  it.skipIf(isRedisMissing())('keeps one lineage where sessions are in Redis', async () => {
    const storm = await onStore('redis', ({ settings }) => refreshStorm({ rounds: 3, parallel: 50, settings }));
    expect(storm).toMatchObject({ serverErrors: 0, refused: 0, forkedRounds: 0, sessionsStillRefreshing: 3 });
  });

  it('loses nothing acknowledged and strands no session when the issuer is killed with -9 under load', async () => {
    const result = await killUnderLoad({ kills: 4, sessions: 8, random: seeded(1) });
    expect(result).toMatchObject({ refused: [], lostWrites: 0, sessionsStillRefreshing: 8 });
    expect(result.acknowledged).toBeGreaterThan(50);
  });

  it.skipIf(isPostgresMissing())(
    'loses nothing acknowledged when PostgreSQL is killed with -9 under load',
    async () => {
      const result = await onStore('postgres', (store) =>
        killUnderLoad({ kills: 2, sessions: 8, random: seeded(4), store, victim: 'store' }),
      );
      expect(result).toMatchObject({ refused: [], lostWrites: 0, sessionsStillRefreshing: 8 });
      expect(result.acknowledged).toBeGreaterThan(50);
    },
  );

  it.skipIf(isRedisMissing())('loses nothing acknowledged when Redis is killed with -9 under load', async () => {
    const result = await onStore('redis', (store) =>
      killUnderLoad({ kills: 3, sessions: 8, random: seeded(4), store, victim: 'store' }),
    );
    expect(result).toMatchObject({ refused: [], lostWrites: 0, sessionsStillRefreshing: 8 });
    expect(result.acknowledged).toBeGreaterThan(50);
  });

  it('loses no request that the issuer has read when it is told to stop, and does where it is killed', async () => {
    const stopped = await issuerSigterm({ stops: 1, random: seeded(5) });
    expect(stopped).toMatchObject({ lost: [], goOn: '3 of 3' });
    expect(stopped.answeredWhileStopping).toBeGreaterThan(2);
    const killed = await issuerSigterm({ stops: 1, random: seeded(6), isKilled: true });
    expect(killed).toMatchObject({ goOn: '3 of 3', passed: false });
    expect(killed.lost.length).toBeGreaterThan(0);
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

describe('events', () => {
  it('are those of the accounts that the store has, in their order, whoever is killed and whoever is away', async () => {
    const target = await webhookTarget();
    try {
      const counts = {
        registrations: 60,
        kills: 2,
        absences: 1,
        pauses: 0,
        random: seeded(7),
        quickLeases: true,
      } as const;
      const result = await onStore('sqlite', (store) => provenEvents({ ...counts, store, target }));
      expect(result.acknowledged).toBe(60);
      expect(Object.values(result.wrong).flat()).toEqual([]);
      expect(result.repetitions).toBeLessThanOrEqual(result.mostRepetitions);
    } finally {
      await target.close();
    }
  });
});
