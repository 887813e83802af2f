import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { systemRandom } from '@sallyport/kit/random';
import { createSealer } from '@sallyport/kit/seal';
import type { Storage } from '@sallyport/storage/contracts/storage';
import { openSqlite } from '@sallyport/storage/sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Feed, startFeed } from './feed.ts';

const revoked = 2000;
let folder: string;
let storage: Storage;
let feed: Feed;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-'));
  const sealer = createSealer({ keys: [{ kid: '1', key: systemRandom.bytes(32) }], random: systemRandom });
  const file = join(folder, 'store.db');
  storage = await openSqlite({ file, sealer, revocationLifetimeMs: 60_000 });
  revokeMany(file);
  const { revocations } = storage;
  const onError = (error: unknown): never => {
    throw error;
  };
  const elapsedMs = () => performance.now();
  feed = startFeed({ revocations, issuer: 'test', pollMs: 20, heartbeatMs: 20, elapsedMs, onError });
});
afterEach(async () => {
  await feed.stop();
  await storage.close();
  rmSync(folder, { recursive: true, force: true });
});

const revokeMany = (file: string): void => {
  const db = new DatabaseSync(file, { timeout: 5000 });
  const insert = db.prepare(`INSERT INTO revocations (realm_id, kind, subject, cause, at_ms, expires_at_ms)
    VALUES ('default', 'session', ?, 'logout', ?, ?)`);
  db.exec('BEGIN');
  for (let count = 0; count < revoked; count += 1) insert.run(crypto.randomUUID(), Date.now(), Date.now() + 600_000);
  db.exec('COMMIT');
  db.close();
};
const nameOf = (event: string): string => /^event: (\w+)/.exec(event)?.[1] ?? '';
const entriesIn = (event: string): number => (nameOf(event) === 'entries' ? event.split('"kind"').length - 1 : 0);

it('drops a subscriber that does not keep up, once, and writes nothing to it after the end, which would end the process', async () => {
  const told: string[] = [];
  const write = (event: string): boolean => {
    told.push(nameOf(event));
    return told.length < 2;
  };
  await feed.subscribe({ write, drained: async () => true, end: () => void told.push('END') }, undefined);
  expect(told).toEqual(['reset', 'entries', 'END']);
  expect(feed.subscribers).toBe(0);
});

it('gives up a subscriber that never takes its snapshot', async () => {
  const told: string[] = [];
  const write = (event: string): boolean => told.push(nameOf(event)) > 0;
  await feed.subscribe({ write, drained: async () => false, end: () => void told.push('END') }, undefined);
  expect(told).toEqual(['reset', 'END']);
});

it('sends the whole snapshot to a subscriber that is slower than the store, in its own time', async () => {
  let waiting = 0;
  let entries = 0;
  const told: string[] = [];
  const sink = {
    write: (event: string): boolean => {
      told.push(nameOf(event));
      waiting += event.length;
      entries += entriesIn(event);
      return waiting < 150_000;
    },
    drained: async (): Promise<boolean> => {
      waiting = 0;
      return true;
    },
    end: (): void => void told.push('END'),
  };
  const leave = await feed.subscribe(sink, undefined);
  leave();
  expect(entries).toBe(revoked);
  expect(told).toContain('synced');
  expect(told).not.toContain('END');
});

it('ends at once whoever comes while it stops, and says nothing to him', async () => {
  await feed.stop();
  const told: string[] = [];
  const write = (event: string): boolean => told.push(nameOf(event)) > 0;
  await feed.subscribe({ write, drained: async () => true, end: () => void told.push('END') }, undefined);
  expect(told).toEqual(['END']);
  expect(feed.subscribers).toBe(0);
});

it('sends a new snapshot to who is there, and nothing of what comes meanwhile is lost', async () => {
  const told: string[] = [];
  const write = (event: string): boolean => told.push(event) > 0;
  await feed.subscribe({ write, drained: async () => true, end: () => undefined }, undefined);
  const whole = told.map(nameOf).filter((name) => name !== 'heartbeat');
  expect(whole).toEqual(['reset', ...Array(revoked / 500).fill('entries'), 'synced']);
  told.length = 0;
  feed.renew();
  feed.renew();
  await expect.poll(() => told.map(nameOf).filter((name) => name !== 'heartbeat')).toEqual(whole);
  expect(told.reduce((sum, event) => sum + entriesIn(event), 0)).toBe(revoked);
});
