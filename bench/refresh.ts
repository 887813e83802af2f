import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { issuerClient } from '@sallyport/tests/prove/client';
import { issuerFolder, startIssuer } from '@sallyport/tests/prove/issuer-process';
import { fillStore } from './filled-store.ts';
import type { BenchResult } from './judge.ts';
import { percentile } from './measure.ts';

/** Before anything was pinned. */
const cores = availableParallelism();
const seconds = 8;
const warmUpSeconds = 6;
const connections = 64;

/** Refresh over HTTP, durable, audit effect included, against the same statements bare (sixteen to a commit) and bare ES256 signing. */
export const benchRefresh = async (): Promise<BenchResult> => {
  const bareStorePerSecond = await bareStore();
  const bareSigningPerSecond = bareSigning();
  const http = await refreshOverHttp();
  const ratio = http.httpPerSecond / Math.min(bareStorePerSecond, bareSigningPerSecond);
  return {
    figures: { bareStorePerSecond, bareSigningPerSecond, ...http, ratio: Math.round(ratio * 100) / 100 },
    verdicts: [{ what: 'refresh over HTTP, of the slower bare part', measured: ratio, unit: 'x', atLeast: 0.6 }],
  };
};

const rows = 5000;
const perCommit = 16;

/** The statements of one refresh on rows that a real issuer wrote, without anything around them: session, account, rotation, effect. */
const bareStore = async (): Promise<number> => {
  const { folder } = await fillStore({ JWT_ALGORITHM: 'ES256', PASSWORD_HASH: 'argon2id' }, { people: 20, rows });
  const db = new DatabaseSync(join(folder.path, 'sallyport.db'));
  db.exec('PRAGMA synchronous = FULL; PRAGMA cache_size = -16384;');
  const sessions = db.prepare('SELECT id, realm_id, user_id, generation FROM sessions').all();
  const users = db.prepare('SELECT id FROM users').all();
  const readSession = db.prepare('SELECT * FROM sessions WHERE id = ?');
  const readUser = db.prepare('SELECT * FROM users WHERE id = ?');
  const rotate =
    db.prepare(`UPDATE sessions SET generation = generation + 1, token_hash = ?, rotated_at_ms = ?, rotation_id = ?,
    winner_attempt = NULL, loser_attempts = NULL, idle_expires_at_ms = min(?, absolute_expires_at_ms)
    WHERE id = ? AND generation = ? AND revoked_at_ms IS NULL RETURNING id, realm_id, user_id, session_epoch`);
  const effect =
    db.prepare(`INSERT INTO effects (id, version, realm_id, act, at_ms, user_id, session_id, actor, request_id, address)
    VALUES (?, 1, ?, 'session.refreshed', ?, ?, ?, 'user', 'bench', '127.0.0.1')`);
  let done = 0;
  const started = performance.now();
  while (performance.now() - started < seconds * 500) {
    db.exec('BEGIN IMMEDIATE');
    for (let count = 0; count < perCommit; count += 1, done += 1) {
      const { id = null, realm_id: realm = null } = sessions[done % rows] ?? {};
      const now = Date.now();
      const { generation = null } = readSession.get(id) ?? {};
      const rotated = rotate.get(randomBytes(32), now, randomBytes(16), now + 1e9, id, generation);
      if (rotated === undefined) throw new Error('a bare rotation met no row');
      effect.run(randomBytes(16), realm, now, rotated['user_id'] ?? null, id);
      readUser.get(users[done % users.length]?.['id'] ?? null);
    }
    db.exec('COMMIT');
  }
  const perSecond = done / ((performance.now() - started) / 1000);
  db.close();
  folder.remove();
  return Math.round(perSecond);
};

export const bareSigning = (): number => {
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

/** `settings` name the store, where it is no SQLite file; `main` another issuer than this repository's own. */
export const refreshOverHttp = async (settings: Readonly<Record<string, string>> = {}, main?: string) => {
  const folder = issuerFolder({ JWT_ALGORITHM: 'ES256', PASSWORD_HASH: 'argon2id', ...settings });
  const issuer = await startIssuer(folder, 0, main);
  pin(issuer.pid, 1);
  pin(process.pid, 0);
  const client = issuerClient(issuer.url, connections);
  try {
    const tokens = await Promise.all(Array.from({ length: connections }, async () => (await client.signUp()).refresh));
    await run(client, tokens, warmUpSeconds);
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
    // Benches that follow want the whole machine.
    pin(process.pid, `0-${cores - 1}`);
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
const pin = (pid: number, core: number | string): void => {
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
