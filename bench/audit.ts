import { startMariaDb } from '@sallyport/storage/mysql/testing';
import { issuerClient } from '@sallyport/tests/prove/client';
import { issuerFolder, startIssuer } from '@sallyport/tests/prove/issuer-process';
import { sabotagedIssuer } from '@sallyport/tests/prove/sabotaged-issuer';
import type { BenchResult } from './judge.ts';
import { percentile } from './measure.ts';
import { refreshOverHttp } from './refresh.ts';

const loginSeconds = 8;
const parallel = 8;
const cost = 12;

/** Audit has no switch: without it means an issuer whose drain writes no records. */
const withoutAudit = () =>
  sabotagedIssuer({
    file: 'outbox/drain.ts',
    find: 'await audit.appendAudit(batch.map(auditRecordOf));',
    replace: 'void auditRecordOf;',
  });

/** Refresh and login with audit in each of its modes, beside an issuer without it. */
export const benchAudit = async (): Promise<BenchResult> => {
  const server = await startMariaDb({ 'innodb-flush-log-at-trx-commit': '1' });
  const twin = withoutAudit();
  const elsewhere = { AUDIT_DATABASE_URL: server.url };
  try {
    const ways: readonly (readonly [string, Readonly<Record<string, string>>, string?])[] = [
      ['without', {}, twin.entry],
      ['transactional', {}],
      ['spooledToMariaDb', elsewhere],
      ['writeAheadInMariaDb', { ...elsewhere, AUDIT_MODE: 'write-ahead' }],
    ];
    const figures: Record<string, number> = {};
    for (const [name, settings, main] of ways) {
      const { httpPerSecond, p99Ms, cpuMicrosecondsPerRefresh } = await refreshOverHttp(settings, main);
      const logins = await loginsOverHttp(settings, main);
      figures[`${name}: refreshes per second`] = httpPerSecond;
      figures[`${name}: refresh p99 ms`] = p99Ms;
      figures[`${name}: CPU us per refresh`] = cpuMicrosecondsPerRefresh;
      figures[`${name}: logins per second`] = logins.perSecond;
      figures[`${name}: login p50 ms`] = logins.p50Ms;
    }
    return { figures, verdicts: [] };
  } finally {
    twin.remove();
    await server.stop();
  }
};

const loginsOverHttp = async (settings: Readonly<Record<string, string>>, main: string | undefined) => {
  const folder = issuerFolder({ ...settings, BCRYPT_COST: String(cost) });
  const issuer = await startIssuer(folder, 0, main);
  const client = issuerClient(issuer.url, parallel);
  try {
    const account = { email: 'bench@example.org', password: 'correct horse battery', name: 'Bench' };
    await client.post('/auth/register', account);
    const latencies: number[] = [];
    const until = performance.now() + loginSeconds * 1000;
    const worker = async (): Promise<void> => {
      while (performance.now() < until) {
        const started = performance.now();
        const { status } = await client.post('/auth/login', { email: account.email, password: account.password });
        if (status !== 200) throw new Error(`login answered ${status}`);
        latencies.push(performance.now() - started);
      }
    };
    await Promise.all(Array.from({ length: parallel }, worker));
    return {
      perSecond: Math.round((latencies.length / loginSeconds) * 10) / 10,
      p50Ms: Math.round(percentile(latencies, 0.5)),
    };
  } finally {
    await client.close();
    await issuer.stop();
    folder.remove();
  }
};
