import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { issuerClient } from '@sallyport/tests/prove/client';
import { issuerFolder, startIssuer } from '@sallyport/tests/prove/issuer-process';
import { percentile } from './measure.ts';

export interface RefreshFigures {
  readonly bareStorePerSecond: number;
  readonly bareSigningPerSecond: number;
  readonly httpPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMicrosecondsPerRefresh: number;
  /** httpPerSecond / min(bare store, bare signing); to reach: 0.6. */
  readonly ratio: number;
}

const seconds = 8;
const connections = 64;

/** Refresh over HTTP, durable, audit effect included, against the same statements bare (sixteen to a commit) and bare ES256 signing. */
export const benchRefresh = async (): Promise<RefreshFigures> => {
  const bareStorePerSecond = bareStore();
  const bareSigningPerSecond = bareSigning();
  const http = await overHttp();
  const ratio = http.httpPerSecond / Math.min(bareStorePerSecond, bareSigningPerSecond);
  return { bareStorePerSecond, bareSigningPerSecond, ...http, ratio: Math.round(ratio * 100) / 100 };
};

const rows = 5000;
const perCommit = 16;

/** One read, one update, one insert per refresh: the statements of the driver without anything around them. */
const bareStore = (): number => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
  const db = new DatabaseSync(join(folder, 'bare.db'));
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE sessions (id BLOB PRIMARY KEY, generation INTEGER, token_hash BLOB, rotated_at_ms INTEGER, rest BLOB) STRICT, WITHOUT ROWID;
    CREATE TABLE effects (position INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB, act TEXT, at_ms INTEGER, session_id BLOB, rest TEXT) STRICT;`);
  const ids = Array.from({ length: rows }, (_, index) => Buffer.alloc(16, String(index).padStart(16, '0')));
  const insert = db.prepare('INSERT INTO sessions VALUES (?, 0, ?, 0, ?)');
  db.exec('BEGIN');
  for (const id of ids) insert.run(id, Buffer.alloc(32), Buffer.alloc(300));
  db.exec('COMMIT');
  const read = db.prepare('SELECT * FROM sessions WHERE id = ?');
  const update = db.prepare(
    'UPDATE sessions SET generation = generation + 1, token_hash = ?, rotated_at_ms = ? WHERE id = ? AND generation = ? RETURNING *',
  );
  const effect = db.prepare('INSERT INTO effects (id, act, at_ms, session_id, rest) VALUES (?, ?, ?, ?, ?)');
  let done = 0;
  const started = performance.now();
  while (performance.now() - started < seconds * 500) {
    db.exec('BEGIN IMMEDIATE');
    for (let count = 0; count < perCommit; count += 1, done += 1) {
      const id = ids[done % rows] ?? Buffer.alloc(16);
      const row = read.get(id);
      update.get(Buffer.alloc(32), Date.now(), id, Number(row?.['generation']));
      effect.run(id, 'session.refreshed', Date.now(), id, '192.0.2.1 bench');
    }
    db.exec('COMMIT');
  }
  const perSecond = done / ((performance.now() - started) / 1000);
  db.close();
  rmSync(folder, { recursive: true });
  return Math.round(perSecond);
};

const bareSigning = (): number => {
  const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const input = Buffer.alloc(600, 'a');
  let done = 0;
  const started = performance.now();
  while (performance.now() - started < 2000) {
    sign('sha256', input, { key, dsaEncoding: 'ieee-p1363' });
    done += 1;
  }
  return Math.round(done / ((performance.now() - started) / 1000));
};

const overHttp = async () => {
  const folder = issuerFolder({ JWT_ALGORITHM: 'ES256', PASSWORD_HASH: 'argon2id' });
  const issuer = await startIssuer(folder);
  pin(issuer.pid, 1);
  pin(process.pid, 0);
  const client = issuerClient(issuer.url, connections);
  try {
    const tokens = await Promise.all(Array.from({ length: connections }, async () => (await client.signUp()).refresh));
    await run(client, tokens, 2);
    const cpuBefore = cpuSeconds(issuer.pid);
    const latencies = await run(client, tokens, seconds);
    const cpu = cpuSeconds(issuer.pid) - cpuBefore;
    return {
      httpPerSecond: Math.round(latencies.length / seconds),
      p50Ms: Math.round(percentile(latencies, 0.5) * 10) / 10,
      p99Ms: Math.round(percentile(latencies, 0.99) * 10) / 10,
      cpuMicrosecondsPerRefresh: Math.round((cpu * 1e6) / latencies.length),
    };
  } finally {
    await client.close();
    await issuer.stop();
    folder.remove();
  }
};

const run = async (
  client: ReturnType<typeof issuerClient>,
  tokens: string[],
  forSeconds: number,
): Promise<number[]> => {
  const latencies: number[] = [];
  const until = performance.now() + forSeconds * 1000;
  await Promise.all(
    tokens.map(async (_, index) => {
      while (performance.now() < until) {
        const started = performance.now();
        const { status, body } = await client.refresh(String(tokens[index]));
        if (status !== 200) throw new Error(`refresh answered ${status}`);
        tokens[index] = String(body['refresh_token']);
        latencies.push(performance.now() - started);
      }
    }),
  );
  return latencies;
};

/** Client and issuer on a core of their own each; without taskset (util-linux) the scheduler decides. */
const pin = (pid: number, core: number): void => {
  try {
    execFileSync('taskset', ['-a', '-p', '-c', String(core), String(pid)], { stdio: 'ignore' });
  } catch (error) {
    process.stderr.write(`not pinned to a core: ${error instanceof Error ? error.message : 'no taskset'}\n`);
  }
};

const cpuSeconds = (pid: number): number => {
  const text = execFileSync('ps', ['-o', 'cputimes=', '-p', String(pid)], { encoding: 'utf8' });
  return Number(text.trim());
};
