import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { issuerClient } from './client.ts';
import { issuerFolder, startIssuer } from './issuer-process.ts';

export interface DiskWaits {
  readonly refreshes: number;
  readonly batches: number;
  readonly writes: number;
  /** fsync and fdatasync calls that the kernel saw, from strace. */
  readonly syncs: number;
}

/** Undefined: this machine has no strace, or does not let it attach. */
export const straceVersion = (): string | undefined => {
  try {
    return execFileSync('strace', ['-V'], { encoding: 'utf8' }).split('\n', 1)[0];
  } catch {
    return undefined;
  }
};

/** Counts the waits for the disk under refresh load against the batches that were acknowledged. */
export const diskWaits = async ({ seconds, sessions }: { seconds: number; sessions: number }): Promise<DiskWaits> => {
  const folder = issuerFolder();
  const issuer = await startIssuer(folder);
  const client = issuerClient(issuer.url);
  const trace = join(folder.path, 'strace.txt');
  let refreshes = 0;
  try {
    const tokens = await Promise.all(Array.from({ length: sessions }, async () => (await client.signUp()).refresh));
    await sleep(1500);
    const tracer = spawn('strace', ['-f', '-q', '-e', 'trace=fsync,fdatasync', '-o', trace, '-p', String(issuer.pid)]);
    await sleep(1000);
    const before = await stats(issuer.privateUrl);
    const until = performance.now() + seconds * 1000;
    await Promise.all(
      tokens.map(async (first) => {
        for (let token = first; performance.now() < until; refreshes += 1) {
          const { status, body } = await client.refresh(token);
          if (status !== 200) throw new Error(`refresh answered ${status} ${String(body['code'])}`);
          token = String(body['refresh_token']);
        }
      }),
    );
    const after = await stats(issuer.privateUrl);
    tracer.kill('SIGINT');
    await once(tracer, 'exit');
    const syncs = readFileSync(trace, 'utf8')
      .split('\n')
      .filter((line) => /\bf(?:data)?sync\(/.test(line)).length;
    return { refreshes, batches: after.batches - before.batches, writes: after.verbs - before.verbs, syncs };
  } finally {
    await client.close();
    await issuer.kill();
    rmSync(trace, { force: true });
    folder.remove();
  }
};

const stats = async (privateUrl: string): Promise<{ batches: number; verbs: number }> => {
  const text = await (await fetch(`${privateUrl}/metrics`)).text();
  const read = (name: string) => Number(new RegExp(`^sallyport_auth_${name} (\\S+)$`, 'm').exec(text)?.[1]);
  return { batches: read('store_write_batches'), verbs: read('store_write_verbs') };
};
