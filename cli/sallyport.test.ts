import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { newFolder, removeFolders, sallyport } from './testing/run.ts';

afterAll(removeFolders);

describe('the command line', () => {
  it.each([
    [['upp'], /unknown command 'upp'[\s\S]*Did you mean up/],
    [['up', '--single'], /unknown option '--single'/],
    [['up', 'microservices', 'extra'], /too many arguments/],
    [['up', 'micro'], /There is no preset "micro". Presets: microservices/],
    [['up', '__proto__'], /There is no preset/],
    [['keys', 'new', '--algorithm', 'none'], /Allowed choices are RS256/],
    [['users', 'create'], /missing required argument 'identifier'/],
    [['users', 'list', '--limit', '0'], /a number from 1 on/],
    [['keys', 'roots', 'remove', '1'], /will have to log in again: --yes does it/],
    [['keys', 'roots', 'remove', 'one', '--yes'], /a number from 0 to 65535/],
    [['users', 'create', 'a@example.com', '--password', 'x'], /unknown option '--password'/],
    [['gateway', 'kee', 'user-service'], /too many arguments|unknown command/],
  ])('refuses %j with exit code 2', (args, message) => {
    const { status, stderr } = sallyport(args);
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
  });

  it.skipIf(!existsSync('/proc/self'))('says at once that a data folder cannot be made where none can be', () => {
    const { status, stderr } = sallyport(['up'], { env: { SALLYPORT_DATA_DIR: '/proc/x' } });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^The data folder cannot be made: ENOENT.*\/proc\/x.*SALLYPORT_DATA_DIR=<folder>/);
  });

  it('does not fall over when whoever read has left', async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), '--help'], {
      cwd: newFolder(),
      env: {},
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += String(chunk);
    });
    expect([await once(child, 'close'), stderr]).toEqual([[0, null], '']);
  });

  it('names the address that is none, and not the setting that is made of it', () => {
    const env = { PROFILE_SERVICE_URL: 'nonsense' };
    const { status, stderr } = sallyport(['up', 'event-driven'], { env });
    expect([status, stderr]).toEqual([78, 'PROFILE_SERVICE_URL must be a URL that begins with http: or https:\n']);
  });

  it('explains itself, exit codes included', () => {
    const { status, stdout } = sallyport(['--help']);
    expect(status).toBe(0);
    for (const part of ['up ', 'auth', 'gateway', 'keys', 'users', 'Exit codes', '78']) expect(stdout).toContain(part);
  });

  it.each([
    ['auth', 'SALLYPORT_ROOT_KEYS'],
    ['gateway', 'GATEWAY_MASTER_KEYS'],
  ])('%s by itself makes no secret: it says that %s is missing, exit code 78', (server, secret) => {
    const { status, stderr } = sallyport([server], { env: { SALLYPORT_PRESET: 'microservices' } });
    expect(status).toBe(78);
    expect(stderr).toContain(`${secret} is required\n`);
  });

  it('reads the .env of the working folder below the environment', () => {
    const cwd = newFolder();
    writeFileSync(join(cwd, '.env'), 'PORT=9000\n');
    expect(sallyport(['up'], { cwd })).toMatchObject({ status: 78, stderr: expect.stringContaining('PORT sets') });
  });

  it('says which data folder it looked into where nothing was ever started', () => {
    const { status, stderr } = sallyport(['keys', 'list']);
    expect([status, stderr]).toEqual([78, expect.stringContaining('is SALLYPORT_DATA_DIR that of `npm start`?')]);
  });

  it('says which key is missing where there is no gateway yet', () => {
    const { status, stderr } = sallyport(['gateway', 'key', 'user-service']);
    expect([status, stderr]).toEqual([78, 'GATEWAY_MASTER_KEYS is required\n']);
  });
});
