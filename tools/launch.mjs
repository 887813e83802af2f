/**
 * The door to this repository: `node tools/launch.mjs <command> [args]`, which is what every npm script calls.
 * Owns: installing dependencies when the lock file changed, choosing the pinned Node, and the life of the one process
 * that it starts (signals, exit code, nothing left behind when npm or this file is killed).
 * Never: parses the arguments of a command, or does a command's work. Plain JavaScript for Node 20, no dependency:
 * it runs before anything is installed.
 */
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { whenNpmIsGone } from './launch/ancestors.mjs';
import { runChild } from './launch/child.mjs';
import { installIfNeeded } from './launch/install.mjs';
import { pinnedNode } from './launch/runtime.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Command -> what the pinned Node runs. */
const commands = {
  start: ['cli/main.ts', 'up'],
  sallyport: ['cli/main.ts'],
  test: ['tools/test.ts'],
  check: ['tools/check.ts'],
  format: ['node_modules/@biomejs/biome/bin/biome', 'check', '--write', '--linter-enabled=false'],
  generate: ['tools/generate.ts'],
  bench: ['bench/main.ts'],
  node: [],
  prove: ['tests/prove/main.ts'],
  pack: ['tools/pack.ts'],
  docs: ['tools/docs.ts'],
  sbom: ['tools/sbom.ts'],
};

/** What runs where only `npm ci --omit=dev` was. */
const forProduction = ['start', 'sallyport'];

/** libuv reads the size of its pool once, before any code of the process runs: only a parent can set it. */
const threadPoolSize = () => process.env.UV_THREADPOOL_SIZE ?? String(availableParallelism() + 4);

/** What was once stripped and compiled is kept: a later start is faster, and the stripper's 30 MB stay out of memory. */
const compileCache = () => process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules', '.cache', 'node-compile');

async function launch([command, ...args]) {
  if (!Object.hasOwn(commands, command ?? '')) {
    console.error(`Usage: node tools/launch.mjs <${Object.keys(commands).join('|')}> [args]`);
    return 2;
  }
  const stop = whenNpmIsGone();
  const installed = await installIfNeeded(root, stop, { needsDev: !forProduction.includes(command) });
  if (installed !== 0) return installed;
  const node = pinnedNode(root);
  if (node.problem) {
    console.error(node.problem);
    return 1;
  }
  const [target, ...fixed] = commands[command];
  const file = target === undefined ? [] : [join(root, target)];
  return runChild({
    node: node.path,
    args: [...file, ...fixed, ...args],
    cwd: root,
    env: { ...process.env, UV_THREADPOOL_SIZE: threadPoolSize(), NODE_COMPILE_CACHE: compileCache() },
    stop,
  });
}

process.exit(await launch(process.argv.slice(2)));
