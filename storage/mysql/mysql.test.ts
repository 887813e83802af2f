import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditConformance, auditElsewhereConformance, newAuditRecord } from '../conformance/audit.ts';
import { StoreUnavailable } from '../contracts/store.ts';
import { auditLogsScript } from '../migrations/mysql/0001-audit-logs.ts';
import { type MySqlAudit, openMySqlAudit } from './index.ts';
import { parseMySqlTarget } from './target.ts';
import { anyMySql, isAnyMySqlMissing, isMariaDbMissing, startMariaDb } from './testing/start-mariadb.ts';

const openAt = async (url: string, more: object = {}): Promise<MySqlAudit> => {
  const opened = openMySqlAudit({ target: parseMySqlTarget(url), ...more });
  await opened.prepare().catch(async (error: unknown) => {
    await opened.close();
    throw error;
  });
  return opened;
};

const rowsOf = async (url: string, sql: string): Promise<readonly Record<string, unknown>[]> => {
  const connection = await createConnection({ uri: url, dateStrings: true, multipleStatements: true });
  try {
    const [rows] = await connection.query(sql);
    return rows as readonly Record<string, unknown>[];
  } finally {
    await connection.end();
  }
};

describe.skipIf(isAnyMySqlMissing())('mysql conforms', () => {
  let database: Awaited<ReturnType<typeof anyMySql>>;
  let opened: readonly MySqlAudit[];
  beforeAll(async () => {
    database = await anyMySql();
    // Both at once: one migrates, the other waits for it.
    opened = await Promise.all([openAt(database.url), openAt(database.url)]);
  });
  afterAll(async () => {
    for (const each of opened) await each.close();
    await database.stop();
  });
  const both = () => {
    const [one, other] = opened;
    if (one === undefined || other === undefined) throw new Error('not opened');
    return { audit: one.audit, second: other.audit };
  };
  auditConformance(both);
  auditElsewhereConformance(both);
});

describe.skipIf(isMariaDbMissing())('a table of somebody else', () => {
  it('is given columns, keeps its rows, takes every text, and tells the time in UTC whatever its zone', async () => {
    const server = await startMariaDb({ 'default-time-zone': '+05:00', 'sql-mode': '' });
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-mysql-'));
    try {
      const old = `CREATE TABLE audit_logs (id INT AUTO_INCREMENT PRIMARY KEY, event_type VARCHAR(50) NOT NULL,
        user_agent VARCHAR(100), created_at TIMESTAMP NULL) DEFAULT CHARACTER SET latin1;
        INSERT INTO audit_logs (event_type, created_at) VALUES ('login', '2026-01-01 00:00:00')`;
      await rowsOf(server.url, old);
      await expect(openAt(server.url, { migrate: 'check' })).rejects.toThrow(/update_audit_logs\.sql/);
      for (let run = 0; run < 2; run += 1)
        execFileSync('mariadb', ['--no-defaults', '-h127.0.0.1', `-P${server.port}`, '-uroot', 'audit'], {
          input: auditLogsScript(),
        });
      const { audit, close } = await openAt(server.url, { migrate: 'check' });
      const record = newAuditRecord({ userAgent: `Ω${'x'.repeat(300)}`, details: '{"name":"Ω"}' });
      await audit.appendAudit([record, newAuditRecord()]).catch(() => undefined);
      const wide = newAuditRecord({ userAgent: 'Ω', address: `${'1'.repeat(80)}` });
      await audit.appendAudit([wide, newAuditRecord({ details: JSON.stringify({ long: 'y'.repeat(70_000) }) })]);
      const rows = await rowsOf(server.url, 'SELECT *, UNIX_TIMESTAMP(created_at) AS at FROM audit_logs ORDER BY id');
      expect(rows[0]).toMatchObject({ event_type: 'login', effect_id: null, place: null });
      const stored = rows.find((row) => row['effect_id'] === wide.effectId);
      expect(stored).toMatchObject({ user_agent: '?', ip_address: '1'.repeat(50) });
      expect(Math.abs(Number(stored?.['at']) * 1000 - wide.atMs)).toBeLessThanOrEqual(1000);
      expect(rows.at(-1)?.['details']).toMatch(/^\{"cut":true/);
      expect((await audit.readUnsealed(100)).some(({ effectId }) => effectId === wide.effectId)).toBe(true);
      await close();
    } finally {
      await server.stop();
      rmSync(folder, { recursive: true });
    }
  });
});

describe.skipIf(isMariaDbMissing())('a MySQL that fails', () => {
  it('is StoreUnavailable within its limits: dead, frozen, and back again without a restart of ours', async () => {
    const server = await startMariaDb();
    const { audit, close } = await openAt(server.url);
    try {
      const append = () => audit.appendAudit([newAuditRecord()]);
      await append();
      await server.kill();
      await expect(append()).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(append()).rejects.toBeInstanceOf(StoreUnavailable);
      await server.restart();
      await expect
        .poll(
          () =>
            append().then(
              () => 'done',
              () => 'failed',
            ),
          { timeout: 20_000 },
        )
        .toBe('done');
      server.freeze();
      await expect(append()).rejects.toMatchObject({ name: 'StoreUnavailable', outcomeUnknown: true });
      server.thaw();
      await expect
        .poll(
          () =>
            append().then(
              () => 'done',
              () => 'failed',
            ),
          { timeout: 20_000 },
        )
        .toBe('done');
    } finally {
      await close();
      await server.stop();
    }
  });

  it('is refused by name where it lets nobody in', async () => {
    const server = await startMariaDb();
    const url = server.url.replace('root@', 'nobody:s3cret@');
    try {
      await expect(openAt(url)).rejects.toThrow(/refuses the user, the password or the database \(1045\)/);
    } finally {
      await server.stop();
    }
  });

  it('is refused without a certificate of a known authority, and without TLS where it was asked for', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-mysql-'));
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name));
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const certificate = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    execFileSync('openssl', ['req', ...certificate, ...subject, '-keyout', key ?? '', '-out', cert ?? ''], {
      stdio: 'pipe',
    });
    const ca = execFileSync('cat', [cert ?? '']).toString();
    const [secure, plain] = await Promise.all([
      startMariaDb({ 'ssl-cert': 'cert.pem', 'ssl-key': 'key.pem' }, [cert ?? '', key ?? '']).catch(
        (error: unknown) => error as Error,
      ),
      startMariaDb(),
    ]);
    try {
      if (secure instanceof Error) throw secure;
      const at = (port: number, host: string, mode: string) => `mysql://root@${host}:${port}/audit?ssl-mode=${mode}`;
      const verified = await openAt(at(secure.port, 'localhost', 'VERIFY_IDENTITY'), { ca });
      await verified.audit.appendAudit([newAuditRecord()]);
      await verified.close();
      await expect(openAt(at(secure.port, 'localhost', 'VERIFY_IDENTITY'))).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(openAt(at(plain.port, 'localhost', 'VERIFY_IDENTITY'), { ca })).rejects.toBeInstanceOf(
        StoreUnavailable,
      );
      await expect(openAt(at(plain.port, 'localhost', 'REQUIRED'))).rejects.toBeInstanceOf(StoreUnavailable);
    } finally {
      await plain.stop();
      if (!(secure instanceof Error)) await secure.stop();
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the URL', () => {
  it('verifies the certificate unless it leads to this machine or says otherwise', () => {
    expect(parseMySqlTarget('mysql://a:p%40@db.example.org/audit')).toEqual({
      host: 'db.example.org',
      port: 3306,
      database: 'audit',
      user: 'a',
      password: 'p@',
      tls: 'VERIFY_IDENTITY',
    });
    expect(parseMySqlTarget('mariadb://a@127.0.0.1:3307/x').tls).toBe('DISABLED');
    expect(parseMySqlTarget('mysql://a@db/x?ssl-mode=required').tls).toBe('REQUIRED');
  });

  it.each([
    ['mysql://a:s3cret@db', /names no database/],
    ['mysql://db/audit', /names no user/],
    ['mysql://a:s3cret@db/audit?ssl-mode=PREFERRED', /is not served/],
    ['mysql://a:s3cret@db/audit?ssl=false', /option that is not known/],
    ['mysql://a:s3cret@192.0.2.1/audit', /names an address/],
    ['mysql://a:s3/cr@et@db/audit', /./],
  ])('%s is refused, and no value of it is told', (url, message) => {
    const refused = () => parseMySqlTarget(url);
    expect(refused).toThrow(message);
    expect(refused).not.toThrow(/s3/);
  });
});
