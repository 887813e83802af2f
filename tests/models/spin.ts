/** Has spin walk through every state of a Promela model: the model becomes a C program (`pan`), which is compiled and run. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Walk {
  /** Different states that were visited, and ways from one to the next. */
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  /** The assertion that does not hold in some state. Undefined: all hold in every state. */
  readonly violated: string | undefined;
}

/** Longer than any way through the models here: a walk that was cut off would prove nothing, and is an error. */
const maxDepth = 1_000_000;

/** Of the table of visited states: a larger one is no more thorough, but quicker for millions of them. */
const tableBits = { small: 22, large: 26 } as const;

/** Whether a walk has to be skipped. Throws where it may not be. */
export const isSpinMissing = (): boolean => {
  const missing = ['spin', 'gcc'].filter((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).error);
  if (missing.length > 0 && process.env['SALLYPORT_REQUIRE_SERVICES'] === '1')
    throw new Error(`missing: ${missing.join(', ')}`);
  if (missing.length > 0) process.stderr.write(`MISSING: ${missing.join(', ')}: models are not walked through\n`);
  return missing.length > 0;
};

/** Every interleaving, at the bounds and with the choices that `defines` name. */
export const walkThrough = async (
  model: string,
  defines: Readonly<Record<string, string | number>>,
  size: 'small' | 'large' = 'small',
): Promise<Walk> => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-spin-'));
  try {
    const choices = Object.entries(defines).map(([name, value]) => `-D${name}=${value}`);
    await run(folder, 'spin', [...choices, '-a', model]);
    // SAFETY: assertions and deadlocks; COLLAPSE: states are kept in parts, losslessly.
    await run(folder, 'gcc', ['-O1', '-w', '-DSAFETY', '-DCOLLAPSE', '-o', 'pan', 'pan.c']);
    return readWalk(await run(folder, './pan', [`-m${maxDepth}`, `-w${tableBits[size]}`]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const run = (cwd: string, program: string, args: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(text) : reject(new Error(`${program} ended with ${code}: ${text}`)),
    );
  });

const readWalk = (report: string): Walk => {
  const number = (form: RegExp): number => {
    const found = form.exec(report)?.[1];
    if (found === undefined) throw new Error(`spin's report is of another form: ${report}`);
    return Number(found);
  };
  const violated = /^pan:1: (.+) \(at depth \d+\)/m.exec(report)?.[1];
  if (/max search depth too small|out of memory|Search not completed/.test(report) && violated === undefined)
    throw new Error(`the walk was cut off: ${report}`);
  return {
    states: number(/^\s*(\d+) states, stored/m),
    transitions: number(/^\s*(\d+) transitions/m),
    depth: number(/depth reached (\d+)/),
    violated,
  };
};
