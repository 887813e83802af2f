import { spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';

export interface Part {
  readonly name: string;
  /** What this Node runs. */
  readonly args: readonly string[];
}

export interface Outcome {
  readonly name: string;
  readonly ok: boolean;
  /** stdout and stderr as they came. */
  readonly output: string;
}

export interface RunOptions {
  readonly cwd: string;
  /** How many parts run at once. */
  readonly atOnce: number;
  /** Gets one line for each part as it ends. */
  readonly report: (line: string) => void;
}

/** Runs every part, whatever became of the others; returns their outcomes in the order given. */
export async function runParts(parts: readonly Part[], options: RunOptions): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const waiting = [...parts.entries()];
  const width = Math.max(...parts.map(({ name }) => name.length));
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, part] = next;
      const began = performance.now();
      const outcome = await runPart(part, options.cwd);
      const seconds = ((performance.now() - began) / 1000).toFixed(1).padStart(5);
      options.report(`${part.name.padEnd(width)} ${seconds} s  ${outcome.ok ? 'ok' : 'FAILED'}`);
      outcomes[index] = outcome;
    }
  };
  await Promise.all(Array.from({ length: options.atOnce }, worker));
  return outcomes;
}

function runPart({ name, args }: Part, cwd: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd,
      env: { ...process.env, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (text) => (output += text));
    child.stderr.on('data', (text) => (output += text));
    child.once('error', ({ message }) => resolve({ name, ok: false, output: message }));
    child.once('close', (code, signal) => {
      if (code !== 0) output += `\n(${signal === null ? `exit code ${code}` : signal})`;
      resolve({ name, ok: code === 0, output });
    });
  });
}
