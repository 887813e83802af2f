import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

type ServerModule = typeof import('../server.ts');

const root = fileURLToPath(new URL('../', import.meta.url));
const output = fileURLToPath(new URL('../../test-output/', import.meta.url));

/** One change of one source file: the text has to be there exactly once, or the twin would prove nothing. */
export interface Sabotage {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** Runs `attack` against a copy of this package with the change in it. */
export const withSabotage = async (
  { file, find, replace }: Sabotage,
  attack: (start: ServerModule['start']) => Promise<void>,
): Promise<void> => {
  await mkdir(output, { recursive: true });
  const folder = await mkdtemp(join(output, 'gateway-'));
  try {
    await cp(root, folder, { recursive: true, filter: (path) => !/node_modules|\.test\.ts$/.test(path) });
    const text = await readFile(join(folder, file), 'utf8');
    if (text.split(find).length !== 2) throw new Error(`${file} does not hold the text exactly once: ${find}`);
    await writeFile(
      join(folder, file),
      text.replace(find, () => replace),
    );
    const broken = (await import(pathToFileURL(join(folder, 'server.ts')).href)) as ServerModule;
    await attack(broken.start);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
