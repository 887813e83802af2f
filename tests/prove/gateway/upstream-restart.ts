/** A service is killed and started again while it is asked: only 502 and 503 meanwhile, and it is back without the gateway's restart. */
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { newInstallation, startGateway } from '../../testing/microservices.ts';
import { mintCsrf, mintToken } from '../../testing/route-file.ts';
import { percentile } from '../rank.ts';
import { type Answered, countByStatus, errorsOf, startLoad } from './clients.ts';
import { startServiceProcess } from './service-process.ts';

export interface UpstreamRestart {
  readonly restarts: number;
  readonly requests: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** Neither 200 nor 502 nor 503; and whatever ended without an answer. */
  readonly others: number;
  readonly errors: readonly string[];
  /** Answers other than 200 while the service was there and had been for a second. */
  readonly failedWhileUp: number;
  /** From the service's being there again to the first 200. */
  readonly recoveryMs: { readonly p50: number; readonly max: number };
  readonly passed: boolean;
}

/** gateway.md: one request in 200 ms tries a service whose only server is out; ejection lasts a second at first. */
const recoveryLimitMs = 2000;
const allowed: readonly number[] = [200, 502, 503];

export const upstreamRestart = async ({
  restarts,
  random,
}: {
  readonly restarts: number;
  readonly random: () => number;
}): Promise<UpstreamRestart> => {
  const installation = newInstallation();
  const service = await startServiceProcess();
  const gateway = await startGateway(installation, { USER_SERVICE_URL: service.url, LOG_LEVEL: 'error' });
  const authorization = `Bearer ${mintToken(installation)}`;
  const csrf = mintCsrf(installation);
  const post = { method: 'POST', path: '/api/v1/users/a' } as const;
  const load = startLoad(gateway.url, [
    ...Array.from({ length: 6 }, () => ({ path: '/api/v1/users/me', headers: { authorization } })),
    ...Array.from({ length: 3 }, () => ({
      ...post,
      headers: { authorization, 'x-csrf-token': csrf, cookie: `csrf_token=${csrf}` },
    })),
  ]);
  const recoveries: number[] = [];
  const upSpans: { readonly fromMs: number; readonly toMs: number }[] = [];
  try {
    for (let n = 0; n < restarts; n += 1) {
      await sleep(150 + random() * 250);
      await service.kill();
      await sleep(random() * 600);
      await service.restart();
      const backMs = performance.now();
      const recoveredMs = await firstGood(load.answers, backMs);
      recoveries.push(recoveredMs - backMs);
      await sleep(200);
      upSpans.push({ fromMs: recoveredMs + 50, toMs: performance.now() });
    }
  } finally {
    await load.stop();
    await gateway.stop();
    await service.kill();
    rmSync(installation.folder.path, { recursive: true, force: true });
  }
  const { answers } = load;
  const others = answers.filter(({ status }) => !allowed.includes(status)).length;
  const isUp = ({ atMs }: Answered): boolean => upSpans.some(({ fromMs, toMs }) => atMs > fromMs && atMs < toMs);
  const failedWhileUp = answers.filter((answer) => answer.status !== 200 && isUp(answer)).length;
  const recoveryMs = { p50: Math.round(percentile(recoveries, 0.5)), max: Math.round(percentile(recoveries, 1)) };
  return {
    restarts,
    requests: answers.length,
    byStatus: countByStatus(answers),
    others,
    errors: errorsOf(answers),
    failedWhileUp,
    recoveryMs,
    passed: others === 0 && failedWhileUp === 0 && recoveryMs.max <= recoveryLimitMs,
  };
};

const firstGood = async (answers: readonly Answered[], sinceMs: number): Promise<number> => {
  for (;;) {
    const good = answers.findLast(({ status, atMs }) => status === 200 && atMs > sinceMs);
    if (good !== undefined || performance.now() - sinceMs > 10 * recoveryLimitMs) return performance.now();
    await sleep(2);
  }
};
