/**
 * The audit store (MariaDB) is away for a while under logins, killed or hung, and the issuer is killed meanwhile: in spooled mode no request
 * fails, and every act has its record afterwards; in write-ahead mode 503, and no act without its record.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openAuditTrail } from '@sallyport/auth/maintenance';
import { startMariaDb } from '@sallyport/storage/mysql/testing';
import { inMySql } from '@sallyport/storage/mysql/testing/raw';
import { issuerClient } from './client.ts';
import { type Issuer, issuerFolder, startIssuer } from './issuer-process.ts';
import { percentile } from './rank.ts';

export type AuditOutage = 'killed' | 'hung';

export interface AuditStoreGone {
  readonly mode: 'spooled' | 'write-ahead';
  readonly outage: AuditOutage;
  readonly seconds: number;
  /** Logins that were answered 200. */
  readonly logins: number;
  /** Of them, while the audit store was away. */
  readonly duringOutage: number;
  /** 503 `audit_unavailable` with Retry-After. */
  readonly refused: number;
  /** Other answers than those two; connections that broke while the issuer was killed are not among them. */
  readonly others: readonly string[];
  /** Of logins while the store answered, and while it was away and the issuer had not been killed yet. */
  readonly loginMs: Readonly<Record<'before' | 'away', { readonly p50: number; readonly p99: number }>>;
  /** Records of logins that the audit store had after its return. */
  readonly recorded: number;
  /** Answered logins without their record. */
  readonly withoutRecord: number;
  /** From the return of the store until it had every record. */
  readonly caughtUpAfterMs: number;
  readonly issuerKills: number;
  readonly trailHolds: boolean;
  readonly passed: boolean;
}

const people = 8;
const catchUpWithinMs = 60_000;
/** Whoever waited for the store would wait for seconds, where a login takes a tenth of one. */
const mostSlower = 1.5;

export const auditStoreGone = async (options: {
  readonly mode: 'spooled' | 'write-ahead';
  readonly outage: AuditOutage;
  readonly seconds: number;
}): Promise<AuditStoreGone> => {
  const { mode, outage, seconds } = options;
  const server = await startMariaDb();
  const folder = issuerFolder({ AUDIT_MODE: mode, AUDIT_DATABASE_URL: server.url, REFRESH_ROTATION: 'on' });
  let issuer: Issuer = await startIssuer(folder);
  const { port } = issuer;
  const seen = { logins: 0, duringOutage: 0, refused: 0, others: [] as string[] };
  const tookMs = { before: [] as number[], away: [] as number[] };
  const sessions = new Set<string>();
  let phase: 'before' | 'away' | 'killed' | 'after' = 'before';
  let isRunning = true;
  const client = issuerClient(issuer.url, people);
  const accounts = await Promise.all(
    Array.from({ length: people }, async (_, index) => {
      const account = { email: `p${index}@example.org`, password: 'correct horse battery', name: 'Prove' };
      await client.post('/auth/register', account);
      return account;
    }),
  );
  const loginOnce = async ({ email, password }: { readonly email: string; readonly password: string }) => {
    const beganMs = performance.now();
    const began = phase;
    // While the issuer is killed connections break: nothing was answered, so nothing is owed.
    const answer = await client.post('/auth/login', { email, password }).catch(() => undefined);
    if (answer === undefined) {
      await sleep(50);
      return;
    }
    if (answer.status === 200) {
      const timed = began === phase ? tookMs[began as keyof typeof tookMs] : undefined;
      timed?.push(performance.now() - beganMs);
      seen.logins += 1;
      if (began === 'away' || began === 'killed') seen.duringOutage += 1;
      sessions.add(sessionOf(String(answer.body['access_token'])));
    } else if (answer.status === 503 && answer.body['code'] === 'audit_unavailable') {
      seen.refused += 1;
      await sleep(100);
    } else seen.others.push(`${answer.status} ${String(answer.body['code'])}`);
  };
  const load = accounts.map(async (account) => {
    while (isRunning) await loginOnce(account);
  });
  let issuerKills = 0;
  try {
    await sleep(4000);
    if (outage === 'killed') await server.kill();
    else server.freeze();
    phase = 'away';
    for (let round = 0; round < 2; round += 1) {
      await sleep((seconds * 1000) / 3);
      phase = 'killed';
      await issuer.kill();
      issuerKills += 1;
      issuer = await startIssuer(folder, port);
    }
    await sleep((seconds * 1000) / 3);
    phase = 'after';
    const returnedMs = performance.now();
    if (outage === 'killed') await server.restart();
    else server.thaw();
    await sleep(3000);
    isRunning = false;
    await Promise.all(load);
    const missing = async (): Promise<number> => {
      const rows = await inMySql(server.url, "SELECT session_id FROM audit_logs WHERE event_type = 'login'");
      const recorded = new Set(rows.map((row) => String(row['session_id'])));
      return [...sessions].filter((session) => !recorded.has(session)).length;
    };
    let withoutRecord = await missing();
    while (withoutRecord > 0 && performance.now() - returnedMs < catchUpWithinMs) {
      await sleep(200);
      withoutRecord = await missing();
    }
    const caughtUpAfterMs = Math.round(performance.now() - returnedMs);
    // What a killed issuer had in hand is told by whoever comes next.
    await sleep(2000);
    const [counted] = await inMySql(server.url, "SELECT COUNT(*) AS count FROM audit_logs WHERE event_type = 'login'");
    const trail = await openAuditTrail(folder.env);
    const report = await trail.verify();
    await trail.close();
    const { logins, duringOutage, refused, others } = seen;
    const isClean = others.length === 0 && withoutRecord === 0 && report.passed;
    const loginMs = { before: ranks(tookMs.before), away: ranks(tookMs.away) };
    const isDelayed = loginMs.away.p50 > mostSlower * loginMs.before.p50;
    const isRight =
      mode === 'spooled' ? refused === 0 && duringOutage > 0 && !isDelayed : refused > 0 && duringOutage === 0;
    return {
      ...{ mode, outage, seconds, logins, duringOutage, refused, others: others.slice(0, 10) },
      loginMs,
      recorded: Number(counted?.['count']),
      ...{ withoutRecord, caughtUpAfterMs, issuerKills, trailHolds: report.passed },
      passed: isClean && isRight,
    };
  } finally {
    isRunning = false;
    await client.close();
    await issuer.kill();
    await server.stop();
    folder.remove();
  }
};

const ranks = (values: readonly number[]) => ({
  p50: rounded(percentile(values, 0.5)),
  p99: rounded(percentile(values, 0.99)),
});
const rounded = (ms: number): number => Math.round(ms * 10) / 10;

const sessionOf = (access: string): string => {
  const claims = JSON.parse(Buffer.from(access.split('.')[1] ?? '', 'base64url').toString()) as {
    readonly sid: string;
  };
  return claims.sid;
};
