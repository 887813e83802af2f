import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { baseEnv, bearer, send, startService } from './testing/rig.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

interface Running {
  readonly child: ChildProcess;
  readonly output: () => string;
}

const spawnMain = (env: Readonly<Record<string, string>>): Running => {
  const child = spawn(process.execPath, [main], {
    env: { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '', ...env },
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return { child, output: () => output };
};

const lineWith = (output: string, text: string): Record<string, unknown> =>
  JSON.parse(output.split('\n').find((line) => line.includes(text)) ?? '{}') as Record<string, unknown>;

describe('the gateway as a process', () => {
  it('runs until SIGTERM, exits 0, and has written every line', async () => {
    const services = await startService();
    const { child, output } = spawnMain({ ...baseEnv, LOG_LEVEL: 'info', PAYMENT_SERVICE_URL: services.url });
    await expect.poll(output, { timeout: 10_000 }).toContain('"ready"');
    const { urls } = lineWith(output(), '"msg":"ready"') as { urls: { public: string } };
    const headers = bearer();
    const answer = await send({ port: Number(new URL(urls.public).port) }, '/api/v1/payments?a=secret', { headers });
    child.kill('SIGTERM');
    expect([answer.status, await once(child, 'close')]).toEqual([200, [0, null]]);
    expect(lineWith(output(), answer.headers['x-request-id'] as string)).toMatchObject({
      method: 'GET',
      path: '/api/v1/payments',
      status: 200,
      route: '/api/v1/payments',
    });
    expect(output()).not.toContain('secret=');
    expect(output()).not.toContain(headers.authorization.slice(-30));
  });

  it('refuses to start without its secrets, names all of them, and exits 78', async () => {
    const { child, output } = spawnMain({ SALLYPORT_PRESET: 'microservices', GATEWAY_PORT: '0' });
    expect(await once(child, 'close')).toEqual([78, null]);
    for (const name of ['JWT_SECRET', 'GATEWAY_SECRET', 'GATEWAY_MASTER_KEYS', 'CSRF_KEYS']) {
      expect(output()).toContain(`${name} is required`);
    }
  });
});
