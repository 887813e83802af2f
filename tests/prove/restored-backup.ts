/** A backup is taken under load, people go on and go, the machine dies, the backup is put back: nothing that had died lives again. */
import { execFile } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { backupStore, openMaintenance } from '@sallyport/auth/maintenance';
import { postgresProgram } from '@sallyport/storage/postgres/testing';
import { type IssuerClient, issuerClient } from './client.ts';
import { type Issuer, type IssuerFolder, issuerFolder, startIssuer } from './issuer-process.ts';
import type { ProofStore } from './on-store.ts';

export interface RestoredBackup {
  readonly sessions: number;
  readonly loggedOut: number;
  /** Refresh tokens ever handed out, used ones included. */
  readonly refreshTokens: number;
  readonly accessTokens: number;
  /** Of those, accepted after the restore. */
  readonly acceptedRefresh: number;
  readonly acceptedAccess: number;
  /**
   * Sessions that had been logged out and live again where `store restored` is left out: the proof can fail. A Redis that stays knows of
   * ends which the SQL store has forgotten.
   */
  readonly acceptedUnmarked: number;
  readonly loginsAfter: boolean;
  readonly passed: boolean;
}

interface Holder {
  current: string;
  readonly refresh: string[];
  readonly access: string[];
  isLoggedOut: boolean;
}

const settings = { JWT_ALGORITHM: 'ES256', JWT_SECRET: '', REFRESH_ROTATION: 'on', REFRESH_OVERLAP_SECONDS: '0' };

export const restoredBackup = async (options: {
  readonly store: ProofStore;
  readonly sessions: number;
  readonly seconds: number;
  readonly random: () => number;
}): Promise<RestoredBackup> => {
  const { store } = options;
  const folder = issuerFolder({ ...settings, ...store.settings });
  let issuer = await startIssuer(folder);
  try {
    const holders = await livesOf(issuer, options, () => takeBackup(folder));
    await issuer.kill();

    await putBack(folder);
    issuer = await startIssuer(folder);
    const acceptedUnmarked = await revivedOf(
      issuer,
      holders.filter(({ isLoggedOut }) => isLoggedOut),
    );
    await issuer.kill();

    await putBack(folder);
    const maintenance = await openMaintenance(folder.env);
    await maintenance.markRestored();
    await maintenance.close();
    issuer = await startIssuer(folder);
    const refreshTokens = holders.flatMap(({ refresh }) => refresh);
    const accessTokens = holders.flatMap(({ access }) => access);
    const acceptedRefresh = await acceptedOf(issuer, refreshTokens);
    const acceptedAccess = await verifiedOf(issuer, accessTokens);
    const loginsAfter = await logsIn(issuer);
    return {
      sessions: holders.length,
      loggedOut: holders.filter(({ isLoggedOut }) => isLoggedOut).length,
      refreshTokens: refreshTokens.length,
      accessTokens: accessTokens.length,
      ...{ acceptedRefresh, acceptedAccess, acceptedUnmarked, loginsAfter },
      passed:
        acceptedRefresh === 0 && acceptedAccess === 0 && loginsAfter && (acceptedUnmarked > 0 || hasRedis(folder)),
    };
  } finally {
    await issuer.kill();
    folder.remove();
  }
};

/** Everybody refreshes; in the middle the backup is taken, and afterwards half of them log out. */
const livesOf = async (
  issuer: Issuer,
  { sessions, seconds, random }: { readonly sessions: number; readonly seconds: number; readonly random: () => number },
  takeBackup: () => Promise<unknown>,
): Promise<readonly Holder[]> => {
  const client = issuerClient(issuer.url);
  try {
    const holders = await Promise.all(Array.from({ length: sessions }, () => begin(client)));
    let isOver = false;
    const load = holders.map(async (holder, place) => {
      const leavesAtMs = performance.now() + seconds * 1000 * (0.6 + random() * 0.3);
      while (!isOver) {
        if (place % 2 === 0 && performance.now() > leavesAtMs) return logOut(client, holder);
        await refresh(client, holder);
        await sleep(10 + random() * 20);
      }
    });
    await sleep((seconds * 1000) / 2);
    await takeBackup();
    await sleep((seconds * 1000) / 2);
    isOver = true;
    await Promise.all(load);
    return holders;
  } finally {
    await client.close();
  }
};

const begin = async (client: IssuerClient): Promise<Holder> => {
  const { access, refresh: first } = await client.signUp();
  return { current: first, refresh: [first], access: [access], isLoggedOut: false };
};

const refresh = async (client: IssuerClient, holder: Holder): Promise<void> => {
  const { status, body } = await client.refresh(holder.current);
  if (status !== 200) throw new Error(`a refresh was answered ${status}`);
  holder.current = String(body['refresh_token']);
  holder.refresh.push(holder.current);
  holder.access.push(String(body['access_token']));
};

const logOut = async (client: IssuerClient, holder: Holder): Promise<void> => {
  const { status } = await client.post('/auth/logout', { refresh_token: holder.current });
  if (status !== 200) throw new Error(`a logout was answered ${status}`);
  holder.isLoggedOut = true;
};

const run = promisify(execFile);

const backupOf = ({ path }: IssuerFolder): string => join(path, 'backup');
const hasRedis = ({ env }: IssuerFolder): boolean => env['REDIS_URL'] !== undefined;

/** As the guide says: of SQLite by the command, of PostgreSQL by the line that it prints. */
const takeBackup = async (folder: IssuerFolder): Promise<void> => {
  const made = await backupStore({ to: backupOf(folder), env: folder.env, onProgress: () => undefined });
  if (made.kind === 'sqlite') return;
  const env = { PATH: `${dirname(postgresProgram('pg_dump'))}:${process.env['PATH']}` };
  await run('sh', ['-c', made.command], { env, cwd: '/' });
};

const putBack = async (folder: IssuerFolder): Promise<void> => {
  const url = folder.env['DATABASE_URL'];
  if (url === undefined) {
    const file = join(folder.path, 'sallyport.db');
    for (const end of ['', '-wal', '-shm']) rmSync(file + end, { force: true });
    copyFileSync(backupOf(folder), file);
    return;
  }
  await run(postgresProgram('psql'), [url, '-q', '-c', 'DROP SCHEMA sallyport CASCADE']);
  await run(postgresProgram('pg_restore'), ['--exit-on-error', '--dbname', url, backupOf(folder)]);
};

const acceptedOf = async ({ url }: Issuer, tokens: readonly string[]): Promise<number> => {
  const client = issuerClient(url);
  const answers = await Promise.all(tokens.map((token) => client.refresh(token)));
  await client.close();
  return answers.filter(({ status }) => status === 200).length;
};

/** The newest token first: one that is far ahead of its row changes nothing, an old one would end the session. */
const revivedOf = async ({ url }: Issuer, holders: readonly Holder[]): Promise<number> => {
  const client = issuerClient(url);
  let revived = 0;
  for (const { refresh: all } of holders) {
    for (const token of all.toReversed()) {
      if ((await client.refresh(token)).status !== 200) continue;
      revived += 1;
      break;
    }
  }
  await client.close();
  return revived;
};

const verifiedOf = async ({ url }: Issuer, tokens: readonly string[]): Promise<number> => {
  let accepted = 0;
  for (const token of tokens) {
    const { status } = await fetch(new URL('/auth/verify', url), { headers: { authorization: `Bearer ${token}` } });
    if (status === 200) accepted += 1;
  }
  return accepted;
};

const logsIn = async ({ url }: Issuer): Promise<boolean> => {
  const client = issuerClient(url);
  const holder = await begin(client);
  await refresh(client, holder);
  await client.close();
  return true;
};
