import { execFileSync } from 'node:child_process';
import { issuerClient } from '@sallyport/tests/prove/client';
import { issuerFolder, startIssuer } from '@sallyport/tests/prove/issuer-process';
import type { BenchResult } from './judge.ts';
import { median } from './measure.ts';

const runs = 5;

/** From spawning the process to the first answered login, empty data folder, argon2id; and the resident memory after it. */
export const benchStart = async (): Promise<BenchResult> => {
  const firstLoginMs: number[] = [];
  let residentMiB = 0;
  for (let run = 0; run < runs; run += 1) {
    const folder = issuerFolder({ PASSWORD_HASH: 'argon2id', JWT_ALGORITHM: 'ES256' });
    const started = performance.now();
    const issuer = await startIssuer(folder);
    const client = issuerClient(issuer.url, 1);
    await client.signUp();
    firstLoginMs.push(Math.round(performance.now() - started));
    residentMiB = Math.round(
      Number(execFileSync('ps', ['-o', 'rss=', '-p', String(issuer.pid)], { encoding: 'utf8' })) / 1024,
    );
    await client.close();
    await issuer.stop();
    folder.remove();
  }
  const medianMs = median(firstLoginMs);
  return {
    figures: { firstLoginMs, medianMs, residentMiB },
    verdicts: [
      { what: 'cold start to first answered login', measured: medianMs, unit: 'ms', atMost: 1000 },
      { what: 'memory after it', measured: residentMiB, unit: 'MiB', atMost: 150 },
    ],
  };
};
