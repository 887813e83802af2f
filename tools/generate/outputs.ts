import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface Output {
  /** Path below the root of the repository. */
  readonly file: string;
  /** The whole text. Same code, same text: no date, no machine, no order that varies. */
  readonly make: () => string | Promise<string>;
}

/** Writes every output; returns the files whose text changed. */
export async function writeAll(root: string, outputs: readonly Output[]): Promise<string[]> {
  const stale = await staleOutputs(root, outputs);
  for (const { file, text } of stale) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), text);
  }
  return stale.map(({ file }) => file);
}

/** The files that are missing or whose text is not what their maker makes now. */
export async function staleFiles(root: string, outputs: readonly Output[]): Promise<string[]> {
  return (await staleOutputs(root, outputs)).map(({ file }) => file);
}

async function staleOutputs(root: string, outputs: readonly Output[]): Promise<{ file: string; text: string }[]> {
  const made = await Promise.all(outputs.map(async ({ file, make }) => ({ file, text: await make() })));
  const found = await Promise.all(made.map(({ file }) => textOf(join(root, file))));
  return made.filter(({ text }, index) => text !== found[index]);
}

/** Undefined when the file does not exist. A checkout on Windows may have CRLF. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).replaceAll('\r\n', '\n');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
