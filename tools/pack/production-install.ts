import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runOrThrow } from './run-or-throw.ts';
import { withServers } from './with-servers.ts';

export interface ProductionInstalled {
  readonly installSeconds: number;
  readonly megabytes: number;
  /** HTTP statuses of a registration and a login through the gateway. */
  readonly registered: number;
  readonly loggedIn: number;
}

/** Only for work on the repository: where one of these is there, development was installed after all. */
const developmentOnly = ['vitest', 'typescript', '@biomejs/biome', 'knip'];

/** `npm ci --omit=dev --ignore-scripts` on a copy of what git knows or would take, and what `npm start` runs there. @throws Error */
export const tryProductionInstall = async (root: string): Promise<ProductionInstalled> => {
  const copy = mkdtempSync(join(tmpdir(), 'sallyport-production-'));
  try {
    for (const file of runOrThrow('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: root,
    })
      .split('\0')
      .filter(Boolean))
      if (existsSync(join(root, file))) copyFile(join(root, file), join(copy, file));
    const began = performance.now();
    const fixed = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    runOrThrow('npm', ['ci', '--omit=dev', ...fixed], { cwd: copy });
    const installSeconds = Math.round((performance.now() - began) / 100) / 10;
    const env = { NODE_ENV: 'production', SALLYPORT_DATA_DIR: join(copy, 'data') };
    const start = { node: process.execPath, args: ['tools/launch.mjs', 'start'], cwd: copy, env };
    const statuses = await withServers(start, (offset) => logIn(`http://localhost:${8080 + offset}/api/v1/auth`));
    const extra = developmentOnly.filter((name) => existsSync(join(copy, 'node_modules', name)));
    if (extra.length > 0) throw new Error(`a production install has ${extra.join(', ')}`);
    const megabytes = Number(runOrThrow('du', ['-sm', 'node_modules'], { cwd: copy }).split('\t')[0]);
    return { installSeconds, megabytes, ...statuses };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
};

const copyFile = (from: string, to: string): void => {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to);
};

const logIn = async (authUrl: string): Promise<{ readonly registered: number; readonly loggedIn: number }> => {
  const credentials = { email: 'ada@example.com', password: 'correct horse battery' };
  const post = async (path: string, body: object): Promise<number> => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${authUrl}/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    await answer.body?.cancel();
    return answer.status;
  };
  const statuses = {
    registered: await post('register', { ...credentials, name: 'Ada' }),
    loggedIn: await post('login', credentials),
  };
  if (statuses.registered === 201 && statuses.loggedIn === 200) return statuses;
  throw new Error(`a production install does not log in: ${JSON.stringify(statuses)}`);
};
