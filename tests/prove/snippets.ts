/**
 * The commands of the documentation, run as they stand there: each document in a folder of its own, its blocks in their order and in one
 * shell's state, against the servers that it says to start. What a marker says is printed has to be printed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { allBlocks, type Block, placeOf, root } from '../snippets/blocks.ts';

export interface SnippetsRun {
  readonly blocks: number;
  readonly documents: readonly string[];
  readonly failed: readonly string[];
  readonly passed: boolean;
}

/** What documents mean by a path of the repository. */
const linked = ['client', 'verify', 'contract', 'examples', 'node_modules', 'package.json'];
const readyWithinMs = 60_000;
const cli = fileURLToPath(import.meta.resolve('@sallyport/cli/main'));

/** @param only documents whose path holds it */
export const runSnippets = async (only = ''): Promise<SnippetsRun> => {
  const chosen = Map.groupBy(
    allBlocks.filter(({ file }) => file.includes(only)),
    ({ file }) => file,
  );
  const documents = [...chosen].filter(([, blocks]) => blocks.some(({ markers }) => 'run' in markers));
  const failed: string[] = [];
  let blocks = 0;
  for (const [, own] of documents) {
    const runnable = own.filter(({ markers }) => 'run' in markers || 'file' in markers);
    blocks += runnable.filter(({ markers }) => 'run' in markers).length;
    failed.push(...(await runDocument(runnable)));
  }
  return { blocks, documents: documents.map(([file]) => file), failed, passed: failed.length === 0 && blocks > 0 };
};

const runDocument = async (blocks: readonly Block[]): Promise<readonly string[]> => {
  const shell = openShell();
  try {
    for (const block of blocks) {
      const problem = await runBlock(shell, block).catch((error: unknown) => String(error));
      process.stderr.write(`${problem === undefined ? 'ok    ' : 'FAILED'} ${placeOf(block)}\n`);
      if (problem !== undefined) return [`${placeOf(block)}: ${problem}`];
    }
    return [];
  } finally {
    await shell.close();
  }
};

type Shell = ReturnType<typeof openShell>;

const runBlock = async (shell: Shell, { code, markers }: Block): Promise<string | undefined> => {
  const { file, run = '' } = markers;
  if (file !== undefined) writeFileSync(join(shell.folder, file), code);
  if (!('run' in markers)) return undefined;
  const [where = '', prints = ''] = run.split(/ \| prints: /);
  if (where === 'start') return startAsTold(shell, code);
  const [word, url] = where.split(' ');
  if (word === 'server') return shell.serve(code, String(url));
  if (word !== 'here' && word !== 'shell' && !shell.hasServers()) await shell.up(String(word), {});
  const { status, output } = await shell.run(code);
  const missing = prints.split(' | ').filter((text) => text !== '' && !output.includes(text));
  if (status === 0 && missing.length === 0) return undefined;
  return `exit code ${status}, not printed: ${JSON.stringify(missing)}\n${output}`;
};

/** `SETTING=… npm start -- <preset>`, and what stands before it. */
const startAsTold = async (shell: Shell, code: string): Promise<string | undefined> => {
  const lines = code.split('\n');
  const at = lines.findIndex((line) => line.includes('npm start'));
  const [, settings = '', preset = 'microservices'] =
    /^((?:[A-Z_]+=\S+ )*)npm start(?: -- ([a-z-]+))?/.exec(lines[at] ?? '') ?? [];
  const before = await shell.run(lines.slice(0, at).join('\n'));
  if (before.status !== 0) return before.output;
  const given = settings.split(' ').filter((each) => each !== '' && !each.startsWith('SALLYPORT_DATA_DIR='));
  await shell.up(preset, Object.fromEntries(given.map((each) => each.split('=') as [string, string])));
  return undefined;
};

/** Bash in a folder of its own, whose variables and functions live on from block to block. */
const openShell = () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-snippets-'));
  const offset = randomInt(10_000, 20_000);
  const children: ChildProcess[] = [];
  for (const name of linked) symlinkSync(join(root, name), join(folder, name));
  writeFileSync(join(folder, '.state'), '');
  const env = {
    PATH: `${join(root, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}`,
    HOME: folder,
    SALLYPORT_PORT_OFFSET: String(offset),
    FLOOD_LIMIT_PER_MINUTE: '0',
  };
  const start = (command: string, args: readonly string[], own: Readonly<Record<string, string>>): ChildProcess => {
    const child = spawn(command, [...args], {
      cwd: folder,
      env: { ...env, ...own },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    return child;
  };
  const bash = (code: string): readonly string[] => ['-c', `. ./.state\n${prelude}\n${code}\n${postlude}`];

  return {
    folder,
    hasServers: () => children.length > 0,
    run: async (code: string): Promise<{ readonly status: number | null; readonly output: string }> => {
      const child = spawn('bash', [...bash(adapted(code, offset))], {
        cwd: folder,
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const output = gather(child);
      const [status] = (await once(child, 'close')) as [number | null];
      return { status, output: output() };
    },
    up: async (preset: string, own: Readonly<Record<string, string>>): Promise<void> => {
      const child = start(process.execPath, [cli, 'up', preset], own);
      const output = gather(child);
      await until(() => /^ready$/m.test(output()), child, output);
    },
    serve: async (code: string, url: string): Promise<string | undefined> => {
      const child = start('bash', bash(adapted(code, offset)), {});
      const output = gather(child);
      const answers = (): Promise<boolean> =>
        fetch(adapted(url, offset)).then(
          ({ ok }) => ok,
          () => false,
        );
      await until(answers, child, output);
      return undefined;
    },
    close: async (): Promise<void> => {
      for (const child of children.reverse()) {
        if (child.exitCode !== null || child.pid === undefined) continue;
        process.kill(-child.pid, 'SIGTERM');
        await once(child, 'exit');
      }
      rmSync(folder, { recursive: true });
    },
  };
};

/** What is set by a block is there in the next one, as in one terminal. */
const prelude = `set -e -a
sallyport() { node "${cli}" "$@"; }`;
const postlude = '{ export -p; declare -f; } > .state';

/** Ports of this run, folders of this run, and commands without the launcher: its working folder would be the repository. */
const adapted = (code: string, offset: number): string =>
  code
    .replaceAll(
      /(localhost):(80\d\d|9[01]\d\d|3000)\b/g,
      (_all, host: string, port: string) => `${host}:${Number(port) + offset}`,
    )
    .replaceAll(/npm run (?:-s )?sallyport --|npx sallyport/g, 'sallyport')
    .replaceAll(/npm run -s node --/g, 'node')
    .replaceAll(/SALLYPORT_DATA_DIR=data-[a-z]+ /g, '')
    .replaceAll('/backups', '$PWD/backups')
    .replaceAll('/tmp/', '$PWD/');

const gather = (child: ChildProcess): (() => string) => {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (part) => (text += part));
  return () => text;
};

const until = async (
  holds: () => boolean | Promise<boolean>,
  child: ChildProcess,
  output: () => string,
): Promise<void> => {
  for (const deadline = performance.now() + readyWithinMs; !(await holds()); await sleep(50))
    if (child.exitCode !== null || performance.now() > deadline) throw new Error(`not up:\n${output()}`);
};
