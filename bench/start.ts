import { execFileSync } from 'node:child_process';
import { issuerClient } from '@sallyport/tests/prove/client';
import { issuerFolder, startIssuer } from '@sallyport/tests/prove/issuer-process';

export interface StartFigures {
  /** From spawning the process to the first answered login, empty data folder, argon2id. */
  readonly firstLoginMs: readonly number[];
  readonly medianMs: number;
  /** Resident memory after it, MiB. */
  readonly residentMiB: number;
}

const runs = 5;

export const benchStart = async (): Promise<StartFigures> => {
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
  return { firstLoginMs, medianMs: firstLoginMs.toSorted((a, b) => a - b)[runs >> 1] ?? Number.NaN, residentMiB };
};
