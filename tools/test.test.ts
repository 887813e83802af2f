import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

let root = '';

/** Below the repository, where the tests of these tests find vitest; ignored by git and by the real run. */
beforeEach(async () => {
  root = await mkdtemp(join(dirname(import.meta.dirname), 'node_modules', '.test-'));
});

afterEach(() => rm(root, { recursive: true }));

async function runTests(files: Readonly<Record<string, string>>): Promise<{ code: number | null; lastLine: string }> {
  for (const [name, body] of Object.entries(files)) {
    await writeFile(join(root, name), `import { beforeAll, describe, expect, test } from 'vitest';\n${body}`);
  }
  await writeFile(join(root, 'vitest.config.ts'), `export default { test: { exclude: [], maxWorkers: 1 } };`);
  const child = spawn(process.execPath, [join(import.meta.dirname, 'test.ts'), '--root', root], { cwd: root });
  let output = '';
  child.stdout.on('data', (text) => (output += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, lastLine: output.trimEnd().split('\n').at(-1) ?? '' };
}

test('all passed', async () => {
  const files = { 'a.test.ts': `test('a', () => expect(1).toBe(1));\ntest('b', () => expect(1).toBe(1));` };
  expect(await runTests(files)).toEqual({ code: 0, lastLine: '2 passed, 0 failed' });
});

test('failed tests, broken hooks, files that do not load and unhandled errors all count, skipped ones are named', async () => {
  const files = {
    'failing.test.ts': `test('a', () => expect(1).toBe(2));\ntest('b', () => expect(1).toBe(1));\ntest.skip('c', () => {});`,
    'hook.test.ts': `describe('d', () => { beforeAll(() => { throw new Error('hook'); }); test('e', () => {}); });`,
    'load.test.ts': `import './nothing.ts';`,
    'later.test.ts': `test('f', async () => { setTimeout(() => { throw new Error('later'); }, 1); await new Promise((r) => setTimeout(r, 50)); });`,
  };
  expect(await runTests(files)).toEqual({ code: 1, lastLine: '2 passed, 4 failed, 2 skipped' });
});

test('a run that finds no test fails', async () => {
  expect(await runTests({})).toEqual({ code: 1, lastLine: '0 passed, 0 failed' });
});
