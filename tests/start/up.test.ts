import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  environmentOf,
  lives,
  newFolder,
  type Started,
  sallyport,
  start,
  startReady,
  stopEverything,
  until,
} from './testing/started.ts';

// Five processes start and stop in each test, on a machine that may be busy with others.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const secretsOf = (dataDir: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(join(dataDir, 'secrets')).map((name) => [name, readFileSync(join(dataDir, 'secrets', name), 'utf8')]),
  );

const ports = [8080, 8081, 8082, 8083, 8084];
const answers = async (url: string): Promise<number | undefined> => {
  try {
    return (await fetch(url)).status;
  } catch {
    return undefined;
  }
};
const json = { 'content-type': 'application/json' };
const password = 'correct horse battery';

interface Login {
  readonly access_token: string;
  readonly csrf_token: string;
}

const post = (system: Started, path: string, body: object, headers: Record<string, string> = json) =>
  fetch(`${system.url(8080)}/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
const register = (system: Started, email: string) => post(system, '/auth/register', { email, password, name: 'Ada' });
const tryLogin = (system: Started, email: string) => post(system, '/auth/login', { email, password });

const login = async (system: Started, email: string): Promise<Login> => {
  const answer = await tryLogin(system, email);
  expect(answer.status).toBe(200);
  return (await answer.json()) as Login;
};
const asUser = ({ access_token, csrf_token }: Login) => ({
  ...json,
  authorization: `Bearer ${access_token}`,
  'x-csrf-token': csrf_token,
  cookie: `csrf_token=${csrf_token}`,
});

describe('a start', () => {
  let system: Started;
  const given = { JWT_SECRET: randomBytes(32).toString('hex'), REFRESH_SECRET: randomBytes(32).toString('hex') };
  beforeAll(async () => {
    system = await startReady({ env: given });
  });
  afterAll(stopEverything);

  it('ends with a table, commands to try, and the line ready, when every server answers', async () => {
    for (const port of ports) {
      expect([port, await answers(`${system.url(port)}/ready`)]).toEqual([port, 200]);
      expect([port, await answers(`${system.url(port + 1000)}/metrics`)]).toEqual([port, 200]);
      expect([port, await answers(`http://127.0.0.1:${port + system.offset}/health`)]).toEqual([port, 200]);
      expect([port, await answers(`http://[::1]:${port + system.offset}/health`)]).toEqual([port, 200]);
      expect(system.output()).toContain(system.url(port));
    }
    expect(system.output()).toMatch(/SQLite in /);
    expect(system.output().trimEnd().split('\n').at(-1)).toBe('ready');
  });

  it('prints three commands that work as they stand: register, login, a protected request', () => {
    const commands = system
      .output()
      .split('\n')
      .filter((line) => /^ {2}(?:curl|TOKEN=)/.test(line));
    expect(commands).toHaveLength(3);
    const shown = execFileSync('sh', ['-c', commands.join('\n')], { encoding: 'utf8' });
    expect(shown).toContain('User registered successfully');
    expect(shown).toMatch(/\{"user":\{"id":"[^"]+","email":"ada@example.com","name":"Ada","bio":""\}\}$/);
  });

  it('carries a whole life through the gateway: payment, notification, end of the account', async () => {
    const email = 'life@example.com';
    const api = `${system.url(8080)}/api/v1`;
    await register(system, email);
    const headers = asUser(await login(system, email));
    expect((await post(system, '/payments', { amount: 12.34, currency: 'EUR' }, headers)).status).toBe(201);
    const notifications = async () => (await fetch(`${api}/notifications`, { headers })).text();
    // Slowly: every look counts against the 100 requests a minute that this preset allows an address.
    await until('the notification', async () => (await notifications()).includes('12.34 EUR'), { everyMs: 700 });
    const { 'content-type': _type, ...bare } = headers;
    expect((await fetch(`${api}/users/account`, { method: 'DELETE', headers: bare })).status).toBe(200);
    expect((await tryLogin(system, email)).status).toBe(401);
  });

  it('gives each server only its own secrets: made ones as files, given ones as given', () => {
    const holders: Readonly<Record<string, readonly string[]>> = {
      'auth/main': ['CSRF_KEYS', 'GATEWAY_ASSERTION_KEYS', 'JWT_SECRET', 'REFRESH_SECRET', 'SALLYPORT_ROOT_KEYS'],
      'gateway/main': ['CSRF_KEYS', 'GATEWAY_MASTER_KEYS', 'GATEWAY_SECRET', 'JWT_SECRET', 'REVOCATION_FEED_TOKEN'],
      'user/main': ['GATEWAY_ASSERTION_KEYS'],
      'payment/main': ['GATEWAY_ASSERTION_KEYS', 'NOTIFICATION_TOKEN'],
      'notification/main': ['GATEWAY_ASSERTION_KEYS', 'NOTIFICATION_TOKEN'],
    };
    const made = Object.values(secretsOf(system.dataDir)).map((text) => text.trim());
    expect(made).not.toContain(given.JWT_SECRET);
    expect([...system.servers().keys()].sort()).toEqual(Object.keys(holders).sort());
    for (const [entry, pid] of system.servers()) {
      const environment = environmentOf(pid);
      const names = Object.keys(environment)
        .filter((name) => /SECRET|_KEYS|TOKEN(?:_FILE)?$/.test(name))
        .map((name) => name.replace(/_FILE$/, ''));
      expect([entry, names.sort()]).toEqual([entry, holders[entry]]);
      const texts = Object.values(environment);
      expect(made.filter((secret) => texts.includes(secret))).toEqual([]);
      const keys = environment['GATEWAY_ASSERTION_KEYS_FILE'];
      if (keys !== undefined) expect(keys).toMatch(new RegExp(`/${entry.split('/')[0]}-service\\.`));
    }
  });

  it('lets commands on the host speak of the same accounts', async () => {
    const env = { SALLYPORT_DATA_DIR: system.dataDir, ...given };
    const email = 'root@example.com';
    const input = `${password}\n`;
    const created = sallyport(['users', 'create', email, '--role', 'admin', '--json'], env, { input });
    expect(created).toMatchObject({ status: 0 });
    expect(JSON.parse(created.stdout)).toMatchObject({ email, roles: ['admin'], state: 'enabled' });
    await login(system, email);
    expect(sallyport(['users', 'create', email], env, { input })).toMatchObject({ status: 1 });
    expect(sallyport(['users', 'roles', email, 'user', 'auditor', '--json'], env).stdout).toContain('"auditor"');
    expect(sallyport(['users', 'disable', email], env).stdout).toContain('disabled');
    expect((await tryLogin(system, email)).status).toBe(403);
    expect(sallyport(['users', 'enable', email], env).status).toBe(0);
    expect((await tryLogin(system, email)).status).toBe(200);
    const nobody = sallyport(['users', 'disable', 'nobody@example.com'], env);
    expect(nobody).toMatchObject({ status: 1, stderr: 'There is no account nobody@example.com.\n' });
    const list = sallyport(['users', 'list', '--json'], env).stdout;
    expect(list).toContain(email);
    expect(list).not.toMatch(/\$2[aby]\$|\$argon2/);
    const keys = sallyport(['gateway', 'key', 'user-service'], env);
    expect(keys.stdout).toBe(secretsOf(system.dataDir)['user-service.GATEWAY_ASSERTION_KEYS']);
  });

  it('puts no secret on the terminal or into the logs', async () => {
    const email = 'quiet@example.com';
    await register(system, email);
    const { access_token, csrf_token } = await login(system, email);
    await fetch(`${system.url(8080)}/api/v1/users/profile`, { headers: { authorization: `Bearer ${access_token}` } });
    const folder = join(system.dataDir, 'logs');
    const logs = () => readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
    await until('the request is logged', () => logs().join('').includes('/users/profile'));
    const secrets = Object.values(secretsOf(system.dataDir)).map((text) => text.trim().replace(/^1:/, ''));
    const everything = [system.output(), ...logs()].join('').replaceAll(password, (found, at, all: string) =>
      // The command to try names its own password.
      all.slice(at - 200, at).includes('curl') ? '' : found,
    );
    for (const secret of [...secrets, ...Object.values(given), access_token, csrf_token, password]) {
      expect(everything.includes(secret)).toBe(false);
    }
  });

  it('is refused while another holds the data folder, and says who', async () => {
    const second = start({ dataDir: system.dataDir });
    expect(await second.ended).toBe(1);
    expect(second.output()).toMatch(new RegExp(`in use by process ${system.pid}, since \\d{4}-\\d\\d-\\d\\dT`));
    expect(await answers(`${system.url(8080)}/ready`)).toBe(200);
  });

  it('starts a server again within a second when it dies, and says so', async () => {
    for (const [entry, port] of [
      ['payment/main', 8083],
      ['auth/main', 8081],
      ['gateway/main', 8080],
    ] as const) {
      const before = system.servers().get(entry) ?? 0;
      process.kill(before, 'SIGKILL');
      await until('a new process', () => ![undefined, before].includes(system.servers().get(entry)), {
        withinMs: 1_000,
      });
      await until('it answers', async () => (await answers(`${system.url(port)}/ready`)) === 200);
    }
    await until('it is said', () => /api-gateway +is ready again/.test(system.output()));
    expect(system.output()).toMatch(/payment-service +ended \(SIGKILL\); starting it again/);
  });
});

describe('a start', () => {
  afterEach(stopEverything);

  it('is refused where a port is taken, and names it', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(8083 + 15_123, '127.0.0.1', resolve));
    const system = start({ offset: 15_123 });
    expect(await system.ended).toBe(1);
    expect(system.output()).toMatch(/Port 23206 .*payment-service.*SALLYPORT_PORT_OFFSET/s);
    other.close();
  });

  it.each([
    ['PORT', { PORT: '8080' }, /^PORT sets the port of a single server/m],
    ['one service’s keys for all', { GATEWAY_ASSERTION_KEYS: '1:x' }, /^GATEWAY_ASSERTION_KEYS is one service's own/m],
    ['a short secret', { JWT_SECRET: 'short' }, /JWT_SECRET must have at least 32 bytes/],
    ['an offset that is no number', { SALLYPORT_PORT_OFFSET: 'abc' }, /^SALLYPORT_PORT_OFFSET must be a whole number/m],
    ['a misspelt setting', { FLOOD_LIMT_PER_MINUTE: '5' }, /did you mean FLOOD_LIMIT_PER_MINUTE/],
  ])('is refused with %s: exit code 78, nothing is left', async (_name, env, message) => {
    const system = start({ env });
    expect(await system.ended).toBe(78);
    expect(system.output()).toMatch(message);
    expect(system.output()).not.toMatch(/^ready$/m);
    for (const port of ports) expect(await answers(`${system.url(port)}/health`)).toBeUndefined();
  });

  it('refuses a data folder of a later version', async () => {
    const dataDir = newFolder();
    writeFileSync(join(dataDir, 'folder.json'), '{"version":2,"preset":"microservices"}');
    const system = start({ dataDir });
    expect(await system.ended).toBe(1);
    expect(system.output()).toContain('version 2');
  });

  it('leaves out the example’s service where another address is given', async () => {
    const system = await startReady({ env: { USER_SERVICE_URL: 'http://127.0.0.1:9' } });
    expect([...system.servers().keys()].sort()).toEqual([
      'auth/main',
      'gateway/main',
      'notification/main',
      'payment/main',
    ]);
    expect(system.output()).toContain('http://127.0.0.1:9  (yours, from USER_SERVICE_URL)');
  });
});

describe('the end', () => {
  afterEach(stopEverything);

  it.each(['SIGTERM', 'SIGINT'] as const)('comes with %s: exit code 0, every process gone', async (signal) => {
    const system = await startReady();
    const servers = [...system.servers().values()];
    expect(servers).toHaveLength(5);
    const since = performance.now();
    system.child.kill(signal);
    await sleep(200);
    system.child.kill(signal);
    expect(await system.ended).toBe(0);
    expect(performance.now() - since).toBeLessThan(10_000);
    expect(servers.filter(lives)).toEqual([]);
  });

  it('comes also before it was ready', async () => {
    const system = start();
    await until('it has begun', () => system.output().includes('Starting'));
    system.child.kill('SIGINT');
    expect(await system.ended).toBe(0);
    expect(system.servers().size).toBe(0);
  });

  it('comes when the parent is gone', async () => {
    const system = await startReady();
    const servers = [...system.servers().values()];
    system.child.disconnect();
    expect(await system.ended).toBe(0);
    expect(servers.filter(lives)).toEqual([]);
  });

  it('comes to a server that does not listen to anybody, within ten seconds', async () => {
    const system = await startReady();
    const deaf = system.servers().get('user/main') ?? 0;
    process.kill(deaf, 'SIGSTOP');
    const since = performance.now();
    system.child.kill('SIGTERM');
    expect(await system.ended).toBe(0);
    expect(performance.now() - since).toBeLessThan(10_000);
    expect(lives(deaf)).toBe(false);
  });

  it('leaves no process behind when the supervisor is killed, and the next start takes over', async () => {
    const system = await startReady();
    const servers = [...system.servers().values()];
    process.kill(system.pid, 'SIGKILL');
    await system.ended;
    const next = await startReady({ dataDir: system.dataDir, offset: system.offset });
    expect(servers.filter(lives)).toEqual([]);
    expect(next.servers().size).toBe(5);
  });
});

describe('made secrets', () => {
  afterEach(stopEverything);

  it('are for their owner alone, and stay over a restart with all that was signed by them', async () => {
    const system = await startReady();
    const folder = join(system.dataDir, 'secrets');
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const modes = readdirSync(folder).map((name) => [name, statSync(join(folder, name)).mode & 0o777]);
    expect(modes.filter(([, mode]) => mode !== 0o600)).toEqual([]);
    const before = secretsOf(system.dataDir);
    expect(Object.keys(before)).toHaveLength(11);
    expect(before['GATEWAY_MASTER_KEYS']).toMatch(/^1:[A-Za-z0-9_-]{43}\n$/);
    expect(new Set(Object.values(before)).size).toBe(11);
    const email = 'ada@example.com';
    await register(system, email);
    const { access_token } = await login(system, email);
    system.child.kill('SIGTERM');
    await system.ended;
    const next = await startReady({ dataDir: system.dataDir, offset: system.offset });
    expect(secretsOf(system.dataDir)).toEqual(before);
    const headers = { authorization: `Bearer ${access_token}` };
    expect((await fetch(`${next.url(8080)}/api/v1/users/profile`, { headers })).status).toBe(200);
  });
});
