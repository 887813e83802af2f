import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postgresProgram, startPostgres } from '@sallyport/storage/postgres/testing';
import { rawConnection } from '@sallyport/storage/postgres/testing/raw';
import type { BenchResult } from './judge.ts';
import { bareSigning, refreshOverHttp } from './refresh.ts';

const seconds = 8;
const rows = 5000;
const clients = 16;

/** The statements of one refresh, as the issuer sends them: session, rotation with its effect, account. Each session has its own. */
const script = `\\set n random(1, ${rows})
SELECT id, generation FROM (SELECT now_ms(), s.* FROM sessions s WHERE id = lpad(to_hex(:n::integer), 32, '0')::uuid) f \\gset s_
SELECT won FROM rotate_session(:s_id::uuid, :s_generation::bigint, :s_generation::bigint + 1, 1, sha256(int4send(:n::integer)), '',
  decode(lpad(to_hex(:n::integer), 32, '0'), 'hex'), NULL, NULL, 3600000, NULL, ROW('user', 'bench', '127.0.0.1', NULL)::act_context);
SELECT * FROM users WHERE id = lpad(to_hex(:n::integer), 32, '0')::uuid;
`;

const fill = `INSERT INTO users (id, realm_id, email, email_key, roles, permissions, created_at_ms)
    SELECT lpad(to_hex(n), 32, '0')::uuid, 'main', n || '@bench.example', n || '@bench.example', '["user"]', '[]', now_ms()
    FROM generate_series(1, ${rows}) n;
  SELECT create_session(lpad(to_hex(n), 32, '0')::uuid, 1, 'main', lpad(to_hex(n), 32, '0')::uuid, NULL, 'default', NULL, NULL,
    '["pwd"]', NULL, 1, 1, decode(lpad(to_hex(n), 32, '0'), 'hex'), sha256(int4send(n)), '', decode(lpad(to_hex(n), 32, '0'), 'hex'),
    3600000, 36000000, NULL, false, NULL, NULL, 0, 0, 900000, ROW('user', 'bench', '127.0.0.1', NULL)::act_context)
    FROM generate_series(1, ${rows}) n;
  TRUNCATE effects;
  ANALYZE`;

/** Refresh over HTTP with PostgreSQL on the same two cores, durable, audit effect included, against pgbench with the same statements. */
export const benchRefreshPostgres = async (): Promise<BenchResult> => {
  const server = await startPostgres({ fsync: 'on', shared_buffers: '128MB', autovacuum: 'on' });
  try {
    const http = await refreshOverHttp({ DATABASE_URL: server.url });
    const pgbenchPerSecond = await bareStatements(server.url);
    const bareSigningPerSecond = bareSigning();
    const ratio = http.httpPerSecond / Math.min(pgbenchPerSecond, bareSigningPerSecond);
    return {
      figures: { pgbenchPerSecond, bareSigningPerSecond, ...http, ratio: Math.round(ratio * 100) / 100 },
      verdicts: [
        { what: 'refresh over HTTP on PostgreSQL, of the slower bare part', measured: ratio, unit: 'x', atLeast: 0.6 },
      ],
    };
  } finally {
    await server.stop();
  }
};

/** Through the schema that the issuer has made, on rows of its own. */
const bareStatements = async (url: string): Promise<number> => {
  const admin = rawConnection(url, 'sallyport');
  await admin.run('DELETE FROM sessions; DELETE FROM users');
  await admin.run(fill);
  await admin.close();
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-pgbench-'));
  try {
    const file = join(folder, 'refresh.sql');
    writeFileSync(file, script);
    const args = ['-n', '-M', 'prepared', '-c', String(clients), '-j', '2', '-T', String(seconds), '-f', file];
    const env = { ...process.env, PGOPTIONS: '-c search_path=sallyport' };
    const text = execFileSync(postgresProgram('pgbench'), [...args, url], { encoding: 'utf8', env, stdio: 'pipe' });
    return Math.round(Number(/^tps = ([\d.]+)/m.exec(text)?.[1]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
