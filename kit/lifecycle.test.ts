import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLifecycle } from './lifecycle.ts';

describe('createLifecycle', () => {
  it('stops in reverse order, once', async () => {
    const lifecycle = createLifecycle();
    const stopped: string[] = [];
    for (const name of ['store', 'pool', 'listener']) lifecycle.add({ name, stop: () => void stopped.push(name) });
    expect(lifecycle.stopping).toBe(false);
    const reports = await Promise.all([lifecycle.stop(), lifecycle.stop()]);
    expect(lifecycle.stopping).toBe(true);
    expect(stopped).toEqual(['listener', 'pool', 'store']);
    expect(reports[0]).toBe(reports[1]);
  });

  it('stops the others when one fails, and says which', async () => {
    const lifecycle = createLifecycle();
    const stopped: string[] = [];
    const error = new Error('no');
    lifecycle.add({ name: 'store', stop: () => void stopped.push('store') });
    lifecycle.add({ name: 'pool', stop: () => Promise.reject(error) });
    expect(await lifecycle.stop()).toEqual({ failed: [{ name: 'pool', error }], unfinished: [] });
    expect(stopped).toEqual(['store']);
  });

  it('tells every part to stop though one hangs past the limit', async () => {
    const lifecycle = createLifecycle({ limitMs: 20 });
    const stopped: string[] = [];
    lifecycle.add({ name: 'store', stop: () => void stopped.push('store') });
    lifecycle.add({ name: 'hanging', stop: () => new Promise(() => undefined) });
    const { unfinished } = await lifecycle.stop();
    expect(unfinished).toContain('hanging');
    expect(stopped).toEqual(['store']);
  });

  it('stops what is added after the stop began', async () => {
    const lifecycle = createLifecycle();
    const stopped: string[] = [];
    await lifecycle.stop();
    lifecycle.add({ name: 'late', stop: () => void stopped.push('late') });
    expect(stopped).toEqual(['late']);
  });
});

const at = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);

/** A server in a process of its own; `start` is the body of its start function. */
const run = (start: string) => {
  const code = `
    import { createServer } from 'node:http';
    import { runServer } from ${at('./lifecycle.ts')};
    import { SettingsError } from ${at('./config.ts')};
    const serve = async (stop) => {
      const server = createServer().listen(0, '127.0.0.1');
      return { urls: { public: 'http://localhost' }, stop: stop ?? (async () => { server.close(); }) };
    };
    runServer(async ({ env, envFile }) => { ${start} }, { name: 'test' });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('spawned without pipes');
  let output = '';
  stdout.on('data', (chunk) => (output += String(chunk)));
  let errors = '';
  stderr.on('data', (chunk) => (errors += String(chunk)));
  // 'close' of the process is not emitted once its channel was disconnected from here.
  const closed = [once(child, 'exit'), once(stdout, 'close'), once(stderr, 'close')] as const;
  const ended = Promise.all(closed).then(([[exitCode]]) => ({ code: exitCode as number | null, output, errors }));
  return { child, ended };
};

const ready = async (child: ChildProcess): Promise<unknown> => (await once(child, 'message'))[0];

describe('runServer', () => {
  it('tells the supervisor when it is ready, and exits 0 on SIGTERM', async () => {
    const { child, ended } = run('return serve();');
    expect(await ready(child)).toEqual({ type: 'ready', urls: { public: 'http://localhost' } });
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
  });

  it('takes two signals for one and is forced by a third', async () => {
    const slow = 'return serve(() => new Promise((resolve) => setTimeout(resolve, 300)));';
    const twice = run(slow);
    const thrice = run(slow);
    await Promise.all([ready(twice.child), ready(thrice.child)]);
    for (const { child, signals } of [
      { child: twice.child, signals: 2 },
      { child: thrice.child, signals: 3 },
    ]) {
      for (let sent = 0; sent < signals; sent += 1) {
        child.kill('SIGINT');
        // Signals that are pending together are delivered as one.
        await sleep(50);
      }
    }
    expect((await twice.ended).code).toBe(0);
    expect((await thrice.ended).code).toBe(1);
  });

  it('stops gracefully when the supervisor is gone', async () => {
    const { child, ended } = run('return serve();');
    await ready(child);
    child.disconnect();
    const { code, output } = await ended;
    expect(code).toBe(0);
    expect(output).toContain('supervisor gone');
  });

  it('is not kept alive by the channel to the supervisor', async () => {
    const { child, ended } = run('return { urls: {}, stop: async () => {} };');
    await ready(child);
    expect((await ended).code).toBe(0);
  });

  it('prints refused settings plainly, one a line, and exits 78', async () => {
    const { ended } = run(
      "throw new SettingsError([{ setting: 'JWT_SECRET', problem: 'is required' }, { setting: 'A', problem: 'is bad' }]);",
    );
    expect(await ended).toMatchObject({ code: 78, errors: 'JWT_SECRET is required\nA is bad\n', output: '' });
  });

  it('stops a server that was still starting, and keeps the code of a start that failed meanwhile', async () => {
    const slow = 'console.log("starting"); await new Promise((resolve) => setTimeout(resolve, 150));';
    const served = run(`${slow} return serve();`);
    const refused = run(`${slow} throw new SettingsError([{ setting: 'A', problem: 'is bad' }]);`);
    // Both listen before either is waited for: the second may speak first.
    const starting = [served, refused].map(async ({ child }) => {
      if (child.stdout !== null) await once(child.stdout, 'data');
      child.kill('SIGTERM');
    });
    await Promise.all(starting);
    expect((await served.ended).code).toBe(0);
    expect((await refused.ended).code).toBe(78);
  });

  it('exits 1 when the start fails, and on an unhandled rejection', async () => {
    const failed = run("throw new Error('no database');");
    const rejected = run("setTimeout(() => Promise.reject(new Error('lost')), 20); return serve();");
    expect(await failed.ended).toMatchObject({ code: 1, errors: 'test could not start: no database\n' });
    const { code, output } = await rejected.ended;
    expect(code).toBe(1);
    expect(output).toContain('unhandled rejection');
  });
});
