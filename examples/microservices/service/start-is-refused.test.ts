import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { environment, newFolder, removeFolders, send } from '../testing/rig.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  removeFolders();
});

const run = (service: string, env: Readonly<Record<string, string>>) => {
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', service, 'main.ts')], {
    cwd: newFolder(),
    env: { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '', ...env },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  children.push(child);
  let errors = '';
  child.stderr?.on('data', (text) => (errors += text));
  return { child, errors: () => errors };
};

describe.each(['user', 'payment', 'notification'])('the %s service by itself', (service) => {
  it('makes no secret: it says which setting is missing, exit code 78', async () => {
    const { child, errors } = run(service, {});
    expect(await once(child, 'close')).toEqual([78, null]);
    expect(errors()).toBe('GATEWAY_ASSERTION_KEYS is required\n');
  });

  it('starts with its own keys, says where it answers, and stops when its parent is gone', async () => {
    const { child } = run(service, environment(`${service}-service`));
    const [message] = (await once(child, 'message')) as [{ type: string; urls: { public: string } }];
    expect(message.type).toBe('ready');
    expect((await send(message.urls.public, 'GET', '/ready')).status).toBe(200);
    child.disconnect();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});

it('refuses a malformed key without repeating it', async () => {
  const { child, errors } = run('user', { GATEWAY_ASSERTION_KEYS: '1:not-a-key-but-secret' });
  expect(await once(child, 'close')).toEqual([78, null]);
  expect(errors()).toContain('GATEWAY_ASSERTION_KEYS');
  expect(errors()).not.toContain('not-a-key-but-secret');
});
